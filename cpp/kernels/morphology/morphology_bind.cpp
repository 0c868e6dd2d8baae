// SPDX-License-Identifier: Apache-2.0
#include "kernels/morphology/morphology.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using morphology::Step;
using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

Step step_of(const Flags& structure, const std::vector<std::int64_t>& centre, bool any, bool border,
             std::int64_t iterations) {
    Step step;
    expect(structure.size() >= 1, "structure: got no sample");
    expect(static_cast<py::ssize_t>(centre.size()) == structure.ndim(), "centre: allowed one index for each axis");
    for (py::ssize_t a = 0; a < structure.ndim(); ++a) {
        const std::int64_t n = structure.shape(a);
        step.shape.push_back(n);
        expect(centre[static_cast<std::size_t>(a)] >= 0 && centre[static_cast<std::size_t>(a)] < n,
               "centre: allowed an index of a sample of the structure");
    }
    step.structure.assign(structure.data(), structure.data() + structure.size());
    step.centre = centre;
    step.any = any;
    step.border = border;
    step.iterations = iterations;
    return step;
}

}  // namespace

void bind_morphology(py::module_& module) {
    if (!taken_over(module, "MorphologyStep")) {
        py::class_<Step>(module, "MorphologyStep", "Erosion, or dilation where any neighbour counts.")
            .def(py::init(&step_of), py::kw_only(), py::arg("structure"), py::arg("centre"), py::arg("any"),
                 py::arg("border") = false, py::arg("iterations") = 1);
    }
    module.def(
        "morphology",
        [](const Array& input, const std::optional<Array>& mask, const Array& output, const std::vector<Step>& steps,
           Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(in.rank >= 1, "input: allowed one axis or more");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            std::optional<ConstArrayView> where_set;
            if (mask) {
                where_set = view_of(*mask, "mask");
                expect(same_shape(*where_set, out), "mask: its shape differs from the input's");
            }
            for (const Step& step : steps) {
                expect(static_cast<int>(step.shape.size()) == in.rank, "structure: allowed the axes of the input");
            }
            run(where, [&](const auto& exec) {
                backend::morphology(in, where_set ? &*where_set : nullptr, out, steps, exec);
            });
        },
        py::arg("input"), py::arg("mask"), py::arg("output"), py::arg("steps"), where(),
        "Erodes and dilates what is not zero. threads=0: the default number.");
}

}  // namespace voxkern::bindings
