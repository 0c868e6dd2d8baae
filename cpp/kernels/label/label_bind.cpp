// SPDX-License-Identifier: Apache-2.0
#include "kernels/label/label.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"
#if defined(VOXKERN_CUDA_MODULE)
#include "kernels/label/label_cuda_task.hpp"
#endif

namespace voxkern::bindings {
namespace {

using backend::Components;
using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

void check_shape(const Components& components, const ArrayView& out, const char* message) {
    bool same = out.rank == components.rank;
    for (int a = 0; same && a < out.rank; ++a) same = out.shape[a] == components.shape[a];
    expect(same, message);
}

ArrayView bytes_of(const Array& array, const Components& components, const char* name) {
    const ArrayView view = writable_view_of(array, name);
    check_shape(components, view, "array: its shape differs from that of the components");
    expect(view.dtype == DType::u8, "array: allowed bool or uint8");
    return view;
}

// Memory of a GPU goes back to Python's pool, for which the GIL is taken again.
struct Delete {
    void operator()(Components* components) const {
        const GilReleased released;
        delete components;
    }
};

template <class T>
py::array_t<T> array_of(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace

void bind_label(py::module_& module) {
    py::class_<Components, std::unique_ptr<Components, Delete>>(
        module, "Components", "Connected components, numbered by their first samples.");
    module.def(
        "component_count",
        [](const Array&, const Components& components, Where where) {
            std::int64_t found = 0;
            run(where, [&](const auto&) { found = backend::count(components); });
            return found;
        },
        py::arg("input"), py::arg("components"), where(),
        "How many components there are of the array they were found in. On a GPU this waits.");
    module.def(
        "component_sizes",
        [](const Array&, const Components& components, Where where) {
            std::vector<std::int64_t> found;
            run(where, [&](const auto&) { found = backend::sizes(components); });
            return array_of(found);
        },
        py::arg("input"), py::arg("components"), where(),
        "Samples of each component, after those of none. On a GPU this waits.");
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
            std::unique_ptr<Components, Delete> found;
            run(where,
                [&](const auto& exec) { found.reset(new Components(backend::label(in, {structure, zeros}, exec))); });
            return found;
        },
        py::arg("input"), py::arg("structure"), py::arg("zeros"), where(),
        "Connected components of samples that are not zero, or are. threads=0: the default number.");
    module.def(
        "write_labels",
        [](const Array& output, const Components& components, Where where) {
            const ArrayView out = writable_view_of(output, "output");
            check_shape(components, out, "output: its shape differs from that of the components");
            expect(out.dtype != DType::f16, "output: got float16");
            run(where, [&](const auto& exec) { backend::write_labels(components, out, exec); });
        },
        py::arg("output"), py::arg("components"), where(), "The number of its component to each sample, else 0.");
    module.def(
        "write_values",
        [](const Array& output, const Components& components, const Bytes& values, Where where) {
            const ArrayView out = bytes_of(output, components, "output");
            const std::vector<std::uint8_t> all(values.data(), values.data() + values.size());
            run(where, [&](const auto& exec) {
                expect(static_cast<std::int64_t>(all.size()) == backend::count(components) + 1,
                       "values: allowed one for the rest and one for each component");
                backend::write_values(components, all, out, exec);
            });
        },
        py::arg("output"), py::arg("components"), py::arg("values"), where(),
        "A value for each sample: values[0] outside the components, values[k] in that of number k.");
    module.def(
        "write_enclosed",
        [](const Array& output, const Components& components, const std::vector<bool>& axes, Where where) {
            const ArrayView out = bytes_of(output, components, "output");
            expect(static_cast<int>(axes.size()) == components.rank, "axes: allowed one answer for each axis");
            run(where, [&](const auto& exec) { backend::write_enclosed(components, axes, out, exec); });
        },
        py::arg("output"), py::arg("components"), py::arg("axes"), where(),
        "0 to components that reach an end of one of these axes, 1 to all else.");
    module.def(
        "fill_touched",
        [](const Array& marks, const Components& components, Where where) {
            const ArrayView out = bytes_of(marks, components, "marks");
            run(where, [&](const auto& exec) { backend::fill_touched(components, out, exec); });
        },
        py::arg("marks"), py::arg("components"), where(), "1 to components with a sample that is not zero there.");
}

}  // namespace voxkern::bindings
