// SPDX-License-Identifier: Apache-2.0
#include "kernels/rank/rank.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

rank::Options rank_options(std::vector<std::int64_t> size, std::vector<std::int64_t> before, std::vector<Boundary> mode,
                           std::vector<bool> footprint, std::int64_t rank, double cval, bool line) {
    rank::Options options = {
        std::move(size), std::move(before), std::move(mode), std::move(footprint), rank, cval, line};
    const std::size_t n = options.size.size();
    expect(options.before.size() == n && options.mode.size() == n, "before, mode: allowed one per axis");
    std::int64_t samples = 1;
    for (std::size_t a = 0; a < n; ++a) {
        expect(options.size[a] >= 1 && options.size[a] <= INT32_MAX / samples, "size: allowed 1 or more, 2^31 samples");
        expect(options.before[a] >= 0 && options.before[a] < options.size[a], "before: allowed 0 to size - 1");
        samples *= options.size[a];
    }
    const auto marks = static_cast<std::int64_t>(options.footprint.size());
    expect(marks == 0 || marks == samples, "footprint: allowed one mark per sample, or none");
    expect(rank >= 0 && rank < options.count(), "rank: allowed 0 to the number of samples - 1");
    return options;
}

}  // namespace

void bind_rank(py::module_& module) {
    if (!taken_over(module, "RankOptions")) {
        py::class_<rank::Options>(module, "RankOptions", "The window of rank, and which of its samples is the result.")
            .def(py::init(&rank_options), py::kw_only(), py::arg("size"), py::arg("before"), py::arg("mode"),
                 py::arg("footprint"), py::arg("rank"), py::arg("cval"), py::arg("line") = false);
    }
    module.def(
        "rank",
        [](const Array& input, const Array& output, const rank::Options& options, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            expect(options.size.size() == static_cast<std::size_t>(in.rank), "size: allowed one per axis of the input");
            run(where_, [&](const auto& exec) { backend::rank(in, out, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("options"), where(),
        "Writes the sample of that rank of the window around each voxel.");
}

}  // namespace voxkern::bindings
