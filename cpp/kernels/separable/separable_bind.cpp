// SPDX-License-Identifier: Apache-2.0
#include "kernels/separable/separable.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <map>

#include "bindings/args.hpp"
#include "bindings/run.hpp"
#include "kernels/separable/separable_plan.hpp"

namespace voxkern::bindings {
namespace {

using correlate1d::AxisFilter;
using separable::Combine;
using separable::Term;

void bind_separable_options(py::module_& module) {
    if (!taken_over(module, "Combine")) {
        py::native_enum<Combine>(module, "Combine", "enum.Enum", "What becomes of the values of terms.")
            .value("sum", Combine::sum)
            .value("magnitude", Combine::magnitude)
            .value("eigenvalues", Combine::eigenvalues)
            .value("vesselness", Combine::vesselness)
            .value("norm", Combine::norm)
            .finalize();
    }
    if (taken_over(module, "SeparableOptions")) return;
    py::class_<separable::Options>(module, "SeparableOptions", "How the terms of a separable filter are combined.")
        .def(py::init([](Combine combine, double cval, double alpha, double beta, double gamma, bool bright,
                         bool keep_larger) {
                 return separable::Options{combine, cval, alpha, beta, gamma, bright, keep_larger};
             }),
             py::kw_only(), py::arg("combine"), py::arg("cval") = 0.0, py::arg("alpha") = 0.5, py::arg("beta") = 0.5,
             py::arg("gamma") = 1.0, py::arg("bright") = true, py::arg("keep_larger") = false);
}

// What the kernel relies on. Wrappers make sure of it: nobody else meets these messages.
void check(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms,
           const separable::Options& options) {
    expect(!terms.empty() && terms.size() <= separable::kMostTerms, "terms: allowed 1 to 8");
    const bool matrix = options.combine != Combine::sum && options.combine != Combine::magnitude;
    expect(!matrix || terms.size() == 3 || terms.size() == 6, "terms: allowed 3 or 6, the triangle of a matrix");
    const std::int64_t outputs = options.combine != Combine::eigenvalues ? 1 : (terms.size() == 3 ? 2 : 3);
    expect(out.rank == in.rank + 1 && out.shape[in.rank] == outputs, "output: allowed an axis of results more");
    for (int a = 0; a < in.rank; ++a) expect(out.shape[a] == in.shape[a], "output: its shape differs from the input's");
    for (const Term& term : terms) {
        std::map<int, int> seen;
        for (const AxisFilter& filter : term) {
            expect(filter.axis >= 0 && filter.axis < in.rank && ++seen[filter.axis] == 1, "axis: allowed each once");
            expect(filter.size() > 0 && filter.before() >= 0 && filter.before() < filter.size(), "origin: outside");
        }
    }
#if defined(VOXKERN_CUDA_MODULE)
    expect(options.combine != Combine::norm, "combine: norm is made where it is used");
    if (!matrix) return;
#endif
    expect(separable::is_one_sweep(out, terms), "terms: allowed one mode per axis, three axes, output of floats");
}

}  // namespace

void bind_separable(py::module_& module) {
    bind_separable_options(module);
    module.def(
        "separable",
        [](const Array& input, const Array& output, const std::vector<Term>& terms, const separable::Options& options,
           Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out, terms, options);
            double norm = 0.0;
#if defined(VOXKERN_CUDA_MODULE)
            run(where, [&](const auto& exec) { backend::separable(in, out, terms, options, exec); });
#else
            run(where, [&](const auto& exec) { norm = backend::separable(in, out, terms, options, exec); });
#endif
            return norm;
        },
        py::arg("input"), py::arg("output"), py::arg("terms"), py::arg("options"), where(),
        "Filters along axes, several of them combined at each voxel; `output` has an axis of results more, the last.");
}

}  // namespace voxkern::bindings
