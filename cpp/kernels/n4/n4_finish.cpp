// SPDX-License-Identifier: Apache-2.0
// What ANTs does after the division.
#include <algorithm>
#include <limits>
#include <vector>

#include "core/parallel.hpp"
#include "kernels/n4/n4_math.hpp"
#include "kernels/n4/n4_plan.hpp"
#include "kernels/n4/n4_read.hpp"

namespace voxkern::n4 {
namespace {

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();

    void include(double x) {
        low = std::min(low, x);
        high = std::max(high, x);
    }
    void include(const Range& other) {
        low = std::min(low, other.low);
        high = std::max(high, other.high);
    }
};

struct Ranges {
    Range input;
    Range corrected;
};

// Reads the rows of one plane: input, corrected image, and what the mask says.
template <class C>
struct PlaneRows {
    ConstArrayView in;
    ArrayView out;
    const Finish& finish;
    MemoryOrder order;
    std::vector<double> input;
    std::vector<C> copy;
    std::vector<double> labels;

    PlaneRows(const ConstArrayView& from, const ArrayView& to, const Finish& how)
        : in(from),
          out(to),
          finish(how),
          order(memory_order(to)),
          input(static_cast<std::size_t>(columns())),
          copy(input.size()),
          labels(input.size(), 1.0) {}

    std::int64_t columns() const { return length_along(out, order.column); }
    std::int64_t rows() const { return length_along(out, order.row); }
    std::int64_t planes() const { return length_along(out, order.plane); }

    template <class To>
    void read(const ConstArrayView& view, std::int64_t plane, std::int64_t row, std::vector<To>& to) const {
        reader_of<To>(view.dtype)(row_of(view, order, plane, row), column_step(view, order), to.data(), columns());
    }
    bool inside(std::size_t x) const {
        return finish.mask_label && finish.mask != nullptr ? labels[x] == *finish.mask_label : labels[x] != 0.0;
    }
    // Calls use(corrected value, column) for a row.
    template <class Use>
    void for_row(std::int64_t plane, std::int64_t row, const Use& use) {
        if (finish.mask != nullptr) read(*finish.mask, plane, row, labels);
        C* const value = static_cast<C*>(row_of(out, order, plane, row));
        const std::int64_t step = column_step(out, order);
        for (std::size_t x = 0; x < labels.size(); ++x) use(value[static_cast<std::int64_t>(x) * step], x);
    }
};

template <class C>
Ranges ranges_of(const ConstArrayView& in, const ArrayView& out, const Finish& finish, const Exec& exec) {
    const PlaneRows<C> shape(in, out, finish);
    std::vector<Ranges> found(static_cast<std::size_t>(shape.planes()));
    parallel_for(shape.planes(), exec, [&](std::int64_t plane) {
        PlaneRows<C> rows(in, out, finish);
        Ranges& here = found[static_cast<std::size_t>(plane)];
        for (std::int64_t y = 0; y < rows.rows(); ++y) {
            rows.read(in, plane, y, rows.input);
            rows.for_row(plane, y, [&](const C& value, std::size_t x) {
                if (!rows.inside(x)) return;
                here.input.include(rows.input[x]);
                here.corrected.include(static_cast<double>(value));
            });
        }
    });
    Ranges all;
    for (const Ranges& here : found) {
        all.input.include(here.input);
        all.corrected.include(here.corrected);
    }
    return all;
}

template <class C>
void finish_as(const ConstArrayView& in, const ArrayView& out, const Finish& finish, const Exec& exec) {
    Ranges range;
    if (finish.rescale) range = ranges_of<C>(in, out, finish, exec);
    const PlaneRows<C> shape(in, out, finish);
    parallel_for(shape.planes(), exec, [&](std::int64_t plane) {
        PlaneRows<C> rows(in, out, finish);
        for (std::int64_t y = 0; y < rows.rows(); ++y) {
            if (finish.keep_outside) rows.read(in, plane, y, rows.copy);
            rows.for_row(plane, y, [&](C& value, std::size_t x) {
                if (!rows.inside(x)) {
                    if (finish.keep_outside) value = rows.copy[x];
                } else if (finish.rescale) {
                    value =
                        stretched(value, range.input.low, range.input.high, range.corrected.low, range.corrected.high);
                }
            });
        }
    });
}

}  // namespace
}  // namespace voxkern::n4

namespace voxkern::cpu {

void n4_finish(const ConstArrayView& in, const ArrayView& out, const n4::Finish& finish, const Exec& exec) {
    const Exec limited = limited_to_work(exec, 2 * out.size());
    if (out.dtype == DType::f64) {
        n4::finish_as<double>(in, out, finish, limited);
    } else {
        n4::finish_as<float>(in, out, finish, limited);
    }
}

}  // namespace voxkern::cpu
