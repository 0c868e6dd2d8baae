// SPDX-License-Identifier: Apache-2.0
#include "kernels/regions/regions.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/indices.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using regions::Extremes;
using regions::Groups;
using regions::Names;
using regions::Spread;
using regions::Sum;
using regions::Table;
using regions::Wanted;
using Offsets = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Size = py::ssize_t;

// A column as a view of the table's memory; its shape is (rows, axes..., ...). Without rows it points nowhere.
template <class T, class Element>
py::array_t<T> column(const py::object& table, const std::vector<Element>& elements, const T* first,
                      const std::vector<Size>& inner = {}) {
    std::vector<Size> shape = {0};
    std::vector<Size> strides = {static_cast<Size>(sizeof(T))};
    Size each = 1;
    for (std::size_t k = inner.size(); k-- > 0;) {
        shape.insert(shape.begin() + 1, inner[k]);
        strides.insert(strides.begin(), strides.front() * inner[k]);
        each *= inner[k];
    }
    if (inner.empty()) strides[0] = sizeof(Element);
    shape[0] = each == 0 ? 0 : static_cast<Size>(elements.size()) / each;
    return py::array_t<T>(shape, strides, first, table);
}

template <class T, class Element>
py::array_t<T> member(const py::object& table, const std::vector<Element>& elements, T Element::*part) {
    return column<T>(table, elements, elements.empty() ? nullptr : &(elements.front().*part));
}

ConstArrayView labels_of(const Array& labels) {
    const ConstArrayView in = view_of(labels, "labels");
    expect(in.rank >= 1, "labels: allowed one axis or more");
    expect(!is_float(in.dtype), "labels: allowed integers");
    return in;
}

std::optional<ConstArrayView> image_of(const std::optional<Array>& image, const ConstArrayView& labels) {
    if (!image) return std::nullopt;
    const ConstArrayView beside = view_of(*image, "image");
    bool same = beside.rank == labels.rank;
    for (int a = 0; same && a < labels.rank; ++a) same = beside.shape[a] == labels.shape[a];
    expect(same, "image: its shape differs from the labels'");
    return beside;
}

void expect_closed(const Names& names) {
    expect(!names.open(), "names: allowed those that are known");
}

template <class T>
py::array_t<T> table_of(const std::vector<T>& values, Size columns) {
    py::array_t<T> array({columns == 0 ? 0 : static_cast<Size>(values.size()) / columns, columns});
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
}

void bind_names(py::module_& module) {
    if (taken_over(module, "RegionNames") && taken_over(module, "RegionColumns")) return;
    py::class_<Names>(module, "RegionNames", "Which labels have a row in a table.")
        .def_static("every", &Names::every, py::arg("zero"), "Each label that occurs, 0 too or not.")
        .def_static(
            "range",
            [](std::int64_t lowest, std::int64_t count) {
                expect(count >= 0 && count < std::int64_t{1} << 31, "count: allowed 0 to 2^31 - 1");
                return Names::range(lowest, count);
            },
            py::arg("lowest"), py::arg("count"), "Labels from `lowest` on.")
        .def_static(
            "listed",
            [](const Offsets& labels) {
                expect(labels.size() < Size{1} << 31, "labels: allowed fewer than 2^31");
                return Names::listed({labels.data(), labels.data() + labels.size()});
            },
            py::arg("labels"), "These labels, each once; of uint64 the bits.")
        .def_static("positive", &Names::positive, "One row for all labels above 0.");
    py::class_<Wanted>(module, "RegionColumns", "What a table holds beside the counts.")
        .def(py::init([](bool sums, bool moments, bool extremes, bool boxes, bool indices, bool centres) {
                 return Wanted{sums, moments, extremes, boxes, indices, centres};
             }),
             py::kw_only(), py::arg("sums") = false, py::arg("moments") = false, py::arg("extremes") = false,
             py::arg("boxes") = false, py::arg("indices") = false, py::arg("centres") = false);
}

void bind_table(py::module_& module) {
    if (taken_over(module, "RegionTable")) return;
    const auto of = [](const py::object& self) -> const Table& { return self.cast<const Table&>(); };
    const auto whole = [of](auto Table::*values, std::vector<Size> (*inner)(Size rank)) {
        return [of, values, inner](const py::object& self) {
            const Table& table = of(self);
            const auto& all = table.*values;
            return column(self, all, all.data(), inner(table.rank));
        };
    };
    const auto part = [of](auto Table::*values, auto member_of) {
        return [of, values, member_of](const py::object& self) { return member(self, of(self).*values, member_of); };
    };
    const auto flat = [](Size) { return std::vector<Size>{}; };
    const auto by_axis = [](Size rank) { return std::vector<Size>{rank}; };
    const auto by_side = [](Size rank) { return std::vector<Size>{rank, 2}; };
    py::class_<Table>(module, "RegionTable", "A row for each label; its arrays are views. -1 of a position: none.")
        .def_property_readonly("labels", whole(&Table::labels, flat), "Names of the rows, where they were open.")
        .def_property_readonly("counts", whole(&Table::counts, flat))
        .def_property_readonly("boxes", whole(&Table::boxes, by_side), "First and last index along each axis.")
        .def_property_readonly("indices", whole(&Table::indices, by_axis), "Sums of the indices along each axis.")
        .def_property_readonly("centres", whole(&Table::centres, by_axis), "Sums of sample times index.")
        .def_property_readonly("sums", part(&Table::sums, &Sum::sum))
        .def_property_readonly("whole_sums", part(&Table::sums, &Sum::whole), "Of integers, modulo 2^64.")
        .def_property_readonly("squares", part(&Table::spreads, &Spread::squares), "Sums of squares about the mean.")
        .def_property_readonly("minimum_at", part(&Table::extremes, &Extremes::minimum_at))
        .def_property_readonly("maximum_at", part(&Table::extremes, &Extremes::maximum_at))
        .def_property_readonly("not_number_at", part(&Table::extremes, &Extremes::not_number_at));
}

// What samples of a row are written to, side by side; or nothing.
template <class T>
T* side_by_side(const std::optional<Array>& array, const char* name, DType dtype, std::int64_t rows,
                std::int64_t total) {
    if (!array) return nullptr;
    const ArrayView view = writable_view_of(*array, name);
    const bool fits = view.dtype == dtype && view.size() == rows * total && in_c_order(view);
    expect(fits,
           "samples, positions, indices: allowed as many as the groups have, in C order, of the image's dtype or "
           "int64");
    return static_cast<T*>(view.data);
}

void bind_groups(py::module_& module) {
    if (!taken_over(module, "RegionGroups")) {
        py::class_<Groups>(module, "RegionGroups", "Samples of one label side by side: where those of each row begin.")
            .def_property_readonly(
                "offsets",
                [](const Groups& groups) {
                    return py::array_t<std::int64_t>(static_cast<Size>(groups.offsets.size()), groups.offsets.data());
                },
                "The first sample of each row, and the end.");
    }
    module.def(
        "region_groups",
        [](const Array& labels, const std::optional<Array>& image, const Names& names, bool in_order, Where where) {
            const ConstArrayView in = labels_of(labels);
            const std::optional<ConstArrayView> beside = image_of(image, in);
            expect_closed(names);
            Groups groups;
            run(where, [&](const auto& exec) { groups = backend::region_groups(in, beside, names, in_order, exec); });
            return groups;
        },
        py::arg("labels"), py::arg("image"), py::arg("names"), py::arg("in_order"), where(),
        "How many samples each row has; `in_order`: they come as in C order. threads=0: the default number.");
    module.def(
        "write_region_groups",
        [](const Array& labels, const std::optional<Array>& image, const Names& names, const Groups& groups,
           const std::optional<Array>& samples, const std::optional<Array>& positions,
           const std::optional<Array>& indices, Where where) {
            const ConstArrayView in = labels_of(labels);
            const std::optional<ConstArrayView> beside = image_of(image, in);
            expect_closed(names);
            const auto rows = static_cast<std::int64_t>(groups.offsets.size()) - 1;
            expect(rows == names.count(), "groups: allowed those of the same names");
            expect(beside || !samples, "samples: allowed beside an image");
            const std::int64_t total = groups.offsets.back();
            regions::GroupsOut out;
            out.samples = side_by_side<void>(samples, "samples", beside ? beside->dtype : DType::u8, 1, total);
            out.positions = side_by_side<std::int64_t>(positions, "positions", DType::i64, 1, total);
            out.indices = side_by_side<std::int64_t>(indices, "indices", DType::i64, in.rank, total);
            run(where, [&](const auto& exec) { backend::write_groups(groups, in, beside, names, out, exec); });
        },
        py::arg("labels"), py::arg("image").none(true), py::arg("names"), py::arg("groups"),
        py::arg("samples").none(true), py::arg("positions").none(true), py::arg("indices").none(true), where(),
        "Writes samples of the image; positions in C order; a row of indices for each axis. The groups are of the same "
        "labels, image and names.");
    module.def(
        "region_quantiles",
        [](const Array& samples, const Offsets& offsets, const Numbers& quantiles, Where where) {
            const ArrayView in = writable_view_of(samples, "samples");
            expect(in.rank == 1 && (in.size() < 2 || in.strides[0] == 1), "samples: allowed one axis, side by side");
            const std::vector<std::int64_t> begins(offsets.data(), offsets.data() + offsets.size());
            expect(!begins.empty() && begins.front() == 0 && begins.back() == in.size() &&
                       std::is_sorted(begins.begin(), begins.end()),
                   "offsets: allowed 0 to the number of samples, rising");
            const std::vector<double> wanted = numbers(quantiles);
            for (const double q : wanted) expect(q >= 0.0 && q <= 1.0, "quantiles: allowed 0 to 1");
            const auto rows = static_cast<Size>(begins.size()) - 1;
            const auto each = static_cast<Size>(wanted.size());
            py::array neighbours(py::dtype::from_args(layout_of(samples, "samples").dtype), {rows, each, Size{2}});
            regions::Ranks ranks;
            void* const to = neighbours.mutable_data();
            run(where, [&](const auto& exec) { ranks = backend::region_quantiles(in, begins, wanted, to, exec); });
            return py::make_tuple(neighbours, table_of(ranks.fractions, each),
                                  py::array_t<std::int64_t>(rows, ranks.not_numbers.data()));
        },
        py::arg("samples"), py::arg("offsets"), py::arg("quantiles"), where(),
        "For each row of grouped samples, which may be reordered, and each quantile: two neighbours in the order of "
        "the values, how far the quantile lies from the first to the second; and NaN in each row, which come last.");
}

#if defined(VOXKERN_CUDA_MODULE)
void bind_samples(py::module_& module) {
    module.def(
        "region_samples",
        [](const Array& image, const Offsets& positions, Where where) {
            const ConstArrayView in = view_of(image, "image");
            const std::vector<std::int64_t> places(positions.data(), positions.data() + positions.size());
            for (const std::int64_t at : places) expect(at >= 0 && at < in.size(), "positions: allowed those inside");
            py::array found(py::dtype::from_args(layout_of(image, "image").dtype), std::vector<Size>{positions.size()});
            void* const to = found.mutable_data();
            run(where, [&](const auto& exec) { backend::region_samples(in, places, to, exec); });
            return found;
        },
        py::arg("image"), py::arg("positions"), where(),
        "Samples at positions counted in C order, brought to the host.");
}
#else
void bind_diameters(py::module_& module) {
    module.def(
        "region_diameters",
        [](const Array& labels, const Names& names, const Numbers& matrix, Where where) {
            const ConstArrayView in = labels_of(labels);
            expect(in.rank == 3, "labels: allowed three axes");
            expect_closed(names);
            expect(matrix.size() == 9, "matrix: allowed 3 x 3 numbers");
            std::array<double, 9> lengths = {};
            std::copy(matrix.data(), matrix.data() + 9, lengths.begin());
            std::vector<double> found;
            run(where, [&](const auto& exec) { found = backend::region_diameters(in, names, lengths, exec); });
            return py::array_t<double>(static_cast<Size>(found.size()), found.data());
        },
        py::arg("labels"), py::arg("names"), py::arg("matrix"), where(),
        "The largest distance between two samples of each label, with indices mapped by a matrix; -1 of none.");
}
#endif

}  // namespace

void bind_regions(py::module_& module) {
    bind_names(module);
    bind_table(module);
    bind_groups(module);
    module.def(
        "regions",
        [](const Array& labels, const std::optional<Array>& image, const Names& names, const Wanted& columns,
           Where where) {
            const ConstArrayView in = labels_of(labels);
            const std::optional<ConstArrayView> beside = image_of(image, in);
            expect(beside || !(columns.sums || columns.moments || columns.extremes || columns.centres),
                   "columns: allowed counts, boxes and indices without an image");
            Table table;
            run(where, [&](const auto& exec) { table = backend::regions(in, beside, names, columns, exec); });
            return table;
        },
        py::arg("labels"), py::arg("image"), py::arg("names"), py::arg("columns"), where(),
        "For each label its samples, where they are, and what an image is there. threads=0: the default number.");
    module.def(
        "region_histograms",
        [](const Array& labels, const Array& image, const Names& names, const Numbers& edges, Where where) {
            const ConstArrayView in = labels_of(labels);
            const std::optional<ConstArrayView> beside = image_of(image, in);
            expect_closed(names);
            const std::vector<double> limits = numbers(edges);
            expect(limits.size() >= 2 && limits.size() <= std::size_t{1} << 31, "edges: allowed 2 to 2^31");
            for (std::size_t k = 1; k < limits.size(); ++k) {
                expect(limits[k] - limits[k - 1] > 0.0, "edges: allowed rising ones");
            }
            std::vector<std::int64_t> table;
            run(where, [&](const auto& exec) { table = backend::region_histograms(in, *beside, names, limits, exec); });
            return table_of(table, static_cast<Size>(limits.size()) - 1);
        },
        py::arg("labels"), py::arg("image"), py::arg("names"), py::arg("edges"), where(),
        "A row of counts for each label: edges[i] <= x < edges[i + 1], the last with both. The steps are equal.");
    module.def(
        "region_crossings",
        [](const Array& labels, const Names& names, Where where) {
            const ConstArrayView in = labels_of(labels);
            expect(in.rank == 3, "labels: allowed three axes");
            expect_closed(names);
            std::vector<std::int64_t> table;
            run(where, [&](const auto& exec) { table = backend::region_crossings(in, names, exec); });
            return table_of(table, regions::kDirections);
        },
        py::arg("labels"), py::arg("names"), where(),
        "For each label and each step to a neighbour above (0, 0, 0) in the order of tuples, pairs of neighbours of "
        "which one has the label; outside lies none.");
#if defined(VOXKERN_CUDA_MODULE)
    bind_samples(module);
#else
    bind_diameters(module);
#endif
}

}  // namespace voxkern::bindings
