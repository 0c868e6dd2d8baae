// SPDX-License-Identifier: Apache-2.0
// A coordinate map as the level units read it: shared by warp and push.
#pragma once

#include "kernels/warp/warp_task.hpp"

namespace voxkern {

inline void set_field(const ConstArrayView& field, WarpTask& task) {
    if (field.data == nullptr) return;
    task.field = static_cast<const char*>(field.data);
    task.field_dtype = field.dtype;
    task.field_itemsize = size_of(field.dtype);
    task.components = static_cast<int>(field.shape[0]);
    task.component_stride = field.strides[0];
    for (int j = 0; j < task.grid_axes; ++j) task.field_strides[j] = field.strides[j + 1];
}

// Offset and matrix up to the axis that runs go along; sums are taken from left to right.
inline void lead_run(const WarpTask& task, WarpRun& run) {
    for (int a = 0; a < task.axes; ++a) {
        run.lead[a] = task.offset != nullptr ? task.offset[a] : 0.0;
        for (int j = 0; j < task.run_axis && task.matrix != nullptr; ++j) {
            run.lead[a] += task.matrix[a * task.grid_axes + j] * static_cast<double>(run.at[j]);
        }
    }
}

}  // namespace voxkern
