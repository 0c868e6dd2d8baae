// SPDX-License-Identifier: Apache-2.0
#include "kernels/regions/regions.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using regions::Region;
using regions::Table;

template <class T>
py::array_t<T> column(const Table& table, T Region::*member) {
    py::array_t<T> values(static_cast<py::ssize_t>(table.regions.size()));
    T* to = values.mutable_data();
    for (const Region& region : table.regions) *to++ = region.*member;
    return values;
}

// Sum of (x - mean)^2.
py::array_t<double> squares(const Table& table) {
    py::array_t<double> values(static_cast<py::ssize_t>(table.regions.size()));
    double* to = values.mutable_data();
    for (const Region& region : table.regions) {
        const double n = static_cast<double>(region.count);
        const double about_mean = region.second - (region.count > 0 ? region.first * (region.first / n) : 0.0);
        *to++ = about_mean < 0.0 ? 0.0 : about_mean;
    }
    return values;
}

}  // namespace

void bind_regions(py::module_& module) {
    module.def(
        "regions",
        [](const Array& labels, const std::optional<Array>& image, std::int64_t lowest, std::int64_t count,
           Where where) {
            const ConstArrayView in = view_of(labels, "labels");
            std::optional<ConstArrayView> beside;
            if (image) beside = view_of(*image, "image");
            expect(in.rank >= 1, "labels: allowed one axis or more");
            expect(in.dtype != DType::f16 && in.dtype != DType::f32 && in.dtype != DType::f64,
                   "labels: allowed integers");
            expect(count >= 0 && count < std::int64_t{1} << 31, "count: allowed 0 to 2^31 - 1");
            bool same = !beside || beside->rank == in.rank;
            for (int a = 0; beside && same && a < in.rank; ++a) same = beside->shape[a] == in.shape[a];
            expect(same, "image: its shape differs from the labels'");
            Table table;
            run(where, [&](const auto& exec) { table = backend::regions(in, beside, lowest, count, exec); });
            const auto n = static_cast<py::ssize_t>(table.regions.size());
            py::array_t<std::int64_t> places({n, static_cast<py::ssize_t>(table.rank), py::ssize_t{3}});
            std::copy(table.places.begin(), table.places.end(), places.mutable_data());
            return py::make_tuple(column(table, &Region::count), places, column(table, &Region::sum), squares(table),
                                  column(table, &Region::minimum_at), column(table, &Region::maximum_at));
        },
        py::arg("labels"), py::arg("image"), py::arg("lowest"), py::arg("count"), where(),
        "For each label: samples; first, last and sum of the indices along each axis; of the image there the sum, the "
        "sum "
        "of squares about the mean, and where the first minimum and maximum are. threads=0: the default number.");
}

}  // namespace voxkern::bindings
