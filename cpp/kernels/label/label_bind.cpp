// SPDX-License-Identifier: Apache-2.0
#include "kernels/label/label.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using label::Components;
using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

template <class View>
void check_shape(const Components& components, const View& out, const char* message) {
    bool same = out.rank == components.rank;
    for (int a = 0; same && a < out.rank; ++a) same = out.shape[a] == components.shape[a];
    expect(same, message);
}

template <class T>
py::array_t<T> array_of(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace

void bind_label(py::module_& module) {
    py::class_<Components>(module, "Components", "Connected components, numbered by their first samples.")
        .def_readonly("count", &Components::count)
        .def(
            "sizes", [](const Components& self) { return array_of(backend::sizes(self)); }, "Samples of each.")
        .def(
            "at_ends",
            [](const Components& self, const std::vector<bool>& axes) {
                expect(static_cast<int>(axes.size()) == self.rank, "axes: allowed one answer for each axis");
                return array_of(backend::at_ends(self, axes));
            },
            py::arg("axes"), "1 for each that reaches an end of one of these axes.");
    module.def(
        "label",
        [](const Array& input, const std::vector<bool>& structure, bool zeros, Where where) {
            const ConstArrayView in = view_of(input, "input");
            expect(in.rank >= 1, "input: allowed one axis or more");
            std::size_t size = 1;
            for (int a = 0; a < in.rank; ++a) size *= 3;
            expect(structure.size() == size, "structure: allowed 3 samples along each axis");
            for (std::size_t i = 0; i < size; ++i) {
                expect(structure[i] == structure[size - 1 - i], "structure: allowed what is symmetric");
            }
            Components found;
            run(where, [&](const auto& exec) { found = backend::label(in, {structure, zeros}, exec); });
            return found;
        },
        py::arg("input"), py::arg("structure"), py::arg("zeros"), where(),
        "Connected components of samples that are not zero, or are. threads=0: the default number.");
    module.def(
        "write_labels",
        [](const Components& components, const Array& output, Where where) {
            const ArrayView out = writable_view_of(output, "output");
            check_shape(components, out, "output: its shape differs from that of the components");
            expect(out.dtype != DType::f16, "output: got float16");
            run(where, [&](const auto& exec) { backend::write_labels(components, out, exec); });
        },
        py::arg("components"), py::arg("output"), where(), "The number of its component to each sample, else 0.");
    module.def(
        "write_values",
        [](const Components& components, const Bytes& values, const Array& output, Where where) {
            const ArrayView out = writable_view_of(output, "output");
            check_shape(components, out, "output: its shape differs from that of the components");
            expect(out.dtype == DType::u8, "output: allowed bool or uint8");
            expect(static_cast<std::int64_t>(values.size()) == components.count + 1,
                   "values: allowed one for the rest and one for each component");
            const std::vector<std::uint8_t> all(values.data(), values.data() + values.size());
            run(where, [&](const auto& exec) { backend::write_values(components, all, out, exec); });
        },
        py::arg("components"), py::arg("values"), py::arg("output"), where(),
        "A value for each sample: values[0] outside the components, values[k] in that of number k.");
    module.def(
        "touched",
        [](const Components& components, const Array& marks, Where where) {
            const ConstArrayView in = view_of(marks, "marks");
            check_shape(components, in, "marks: their shape differs from that of the components");
            expect(in.dtype == DType::u8, "marks: allowed bool or uint8");
            std::vector<std::uint8_t> found;
            run(where, [&](const auto& exec) { found = backend::touched(components, in, exec); });
            return array_of(found);
        },
        py::arg("components"), py::arg("marks"), where(), "1 for each component with a sample that is not zero there.");
}

}  // namespace voxkern::bindings
