// SPDX-License-Identifier: Apache-2.0
// Large results: NumPy arrays over blocks of core/memory.hpp.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <vector>

#include "bindings/run.hpp"
#include "core/memory.hpp"

namespace voxkern::bindings {

// An array in C order, as np.empty makes it. The block goes back when the array and all its views are gone.
inline py::array empty(const std::vector<py::ssize_t>& shape, const py::dtype& dtype, Where threads) {
    constexpr std::int64_t kSlack = 8;  // the rest of a larger block is lost for as long as the array lives
    std::int64_t bytes = dtype.itemsize();
    for (const py::ssize_t n : shape) bytes *= n;
    auto block = std::make_unique<Block>();
    run(threads,
        [&](const Exec& exec) { *block = take_populated_block(bytes, kSlack, limited_to_work(exec, bytes / 16)); });
    void* const data = block->data;
    const py::capsule owner(block.release(), [](void* owned) {
        const std::unique_ptr<Block> given(static_cast<Block*>(owned));
        give_block(*given);
    });
    return {dtype, shape, data, owner};
}

}  // namespace voxkern::bindings
