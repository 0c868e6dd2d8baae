// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure/measure.hpp"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

measure::Image image_of(const Array& input, const std::optional<Array>& mask) {
    measure::Image image = {view_of(input, "input"), {}};
    if (!mask) return image;
    image.mask = view_of(*mask, "mask");
    const bool same = image.mask->rank == image.voxels.rank &&
                      std::equal(image.mask->shape, image.mask->shape + image.mask->rank, image.voxels.shape);
    expect(same, "mask: its shape differs from the input's");
    return image;
}

// In the memory of the host, whatever the back end.
ArrayView neighbour_view(py::array& array, const measure::Image& image, std::size_t quantiles) {
    const bool alike = array.itemsize() == size_of(image.voxels.dtype) && array.ndim() == 2 &&
                       array.shape(0) == static_cast<py::ssize_t>(quantiles) && array.shape(1) == 2 &&
                       (array.flags() & py::array::c_style) != 0;
    expect(alike, "neighbours: allowed a row of two per quantile, in C order and of the input's dtype");
    ArrayView view;
    view.data = array.mutable_data();
    view.dtype = image.voxels.dtype;
    view.rank = 2;
    view.shape[0] = array.shape(0);
    view.shape[1] = view.strides[0] = 2;
    view.strides[1] = 1;
    return view;
}

#if defined(VOXKERN_CUDA_MODULE)
double* two_numbers(const Array& array, const char* name) {
    const ArrayView view = writable_view_of(array, name);
    expect(view.dtype == DType::f64 && view.rank == 1 && view.shape[0] == 2 && view.strides[0] == 1,
           "line, limits: allowed two numbers of float64");
    return static_cast<double*>(view.data);
}

void bind_device_numbers(py::module_& module) {
    module.def(
        "measure_line",
        [](const Array& input, const std::optional<Array>& mask, const Array& line, Where where_) {
            const measure::Image image = image_of(input, mask);
            double* const numbers = two_numbers(line, "line");
            run(where_, [&](const auto& exec) { backend::measure_line(image, numbers, exec); });
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("line"), where(),
        "Writes mean and 1 / deviation into the memory of the device.");
    module.def(
        "measure_limits",
        [](const Array& input, const std::optional<Array>& mask, double low, double high, const Array& limits,
           Where where_) {
            const measure::Image image = image_of(input, mask);
            double* const numbers = two_numbers(limits, "limits");
            run(where_, [&](const auto& exec) { backend::measure_limits(image, low, high, numbers, exec); });
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("low"), py::arg("high"), py::arg("limits"), where(),
        "Writes two quantiles into the memory of the device.");
}
#endif

void check_edges(const std::vector<double>& edges) {
    const bool rise = edges.size() >= 2 && edges.back() > edges.front() && std::is_sorted(edges.begin(), edges.end());
    expect(rise, "edges: allowed two and more that rise");
}

}  // namespace

void bind_measure(py::module_& module) {
#if defined(VOXKERN_CUDA_MODULE)
    bind_device_numbers(module);
#endif
    module.def(
        "measure",
        [](const Array& input, const std::optional<Array>& mask, Where where_) {
            const measure::Image image = image_of(input, mask);
            Moments found;
            run(where_, [&](const auto& exec) { found = backend::measure(image, exec); });
            return py::make_tuple(static_cast<std::int64_t>(found.count), found.mean, found.squares);
        },
        py::arg("input"), py::arg("mask").none(true), where(),
        "Count, mean, sum of squared differences from it. threads=0: the default number.");
    module.def(
        "measure_extremes",
        [](const Array& input, const std::optional<Array>& mask, Where where_) {
            const measure::Image image = image_of(input, mask);
            measure::Extremes found;
            run(where_, [&](const auto& exec) { found = backend::measure_extremes(image, exec); });
            return py::make_tuple(found.count, found.not_numbers, found.minimum, found.maximum);
        },
        py::arg("input"), py::arg("mask").none(true), where(),
        "Count, how many are NaN, minimum and maximum of the others. threads=0: the default number.");
    module.def(
        "measure_histogram",
        [](const Array& input, const std::optional<Array>& mask, const Numbers& edges, Where where_) {
            const measure::Image image = image_of(input, mask);
            const std::vector<double> steps = numbers(edges);
            check_edges(steps);
            std::vector<std::int64_t> counts;
            run(where_, [&](const auto& exec) { counts = backend::measure_histogram(image, steps, exec); });
            return py::array_t<std::int64_t>(static_cast<py::ssize_t>(counts.size()), counts.data());
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("edges"), where(),
        "Voxels between edges that rise in equal steps. threads=0: the default number.");
    module.def(
        "measure_quantiles",
        [](const Array& input, const std::optional<Array>& mask, const std::vector<double>& quantiles,
           py::array neighbours, Where where_) {
            const measure::Image image = image_of(input, mask);
            for (const double q : quantiles) expect(q >= 0.0 && q <= 1.0, "quantiles: allowed from 0 to 1");
            const ArrayView pairs = neighbour_view(neighbours, image, quantiles.size());
            measure::Quantiles found;
            run(where_, [&](const auto& exec) { found = backend::measure_quantiles(image, quantiles, pairs, exec); });
            return py::make_tuple(found.count, found.not_numbers, found.fractions);
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("quantiles"), py::arg("neighbours"), where(),
        "Writes the values on either side of each quantile; returns how many voxels count, how many of them are NaN, "
        "and the fractions between the neighbours. threads=0: the default number.");
    module.def(
        "measure_box",
        [](const Array& input, const std::optional<double>& threshold, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            measure::Box box;
            run(where_, [&](const auto& exec) { box = backend::measure_box(in, threshold, exec); });
            std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
            for (int a = 0; a < in.rank; ++a) ranges.emplace_back(box.first[a], box.last[a] + 1);
            return ranges;
        },
        py::arg("input"), py::arg("threshold").none(true), where(),
        "(first, last + 1) along each axis of what is not zero or is above a threshold; first > last where nothing "
        "is. threads=0: the default number.");
}

}  // namespace voxkern::bindings
