// SPDX-License-Identifier: Apache-2.0
#include "kernels/extrema1d/extrema1d_plan.hpp"

#include <algorithm>
#include <cmath>

#include "core/cast.hpp"

namespace voxkern::extrema1d {

namespace {

constexpr std::int64_t kFusedBytes = std::int64_t{640} << 10;  // most of L2: planes read, planes made
constexpr std::int64_t kPlaneBytes = std::int64_t{4} << 20;    // scratch of one plane
constexpr std::int64_t kRowBytes = std::int64_t{256} << 10;    // longer lines are cut
constexpr std::int64_t kInterleavedBytes = 32;

// Whether cutting `cval` to the type keeps its order among the type's values.
bool holds(DType dtype, double cval) {
    return visit(dtype, [&](auto t) {
        using T = typename decltype(t)::type;
        if constexpr (kFloating<T>) {
            return true;
        } else {
            const double whole = std::trunc(cval);  // NaN is held by none
            return whole >= lower_limit<T, double>() && whole <= upper_limit<T, double>();
        }
    });
}

}  // namespace

bool goes_through_f64(DType in, DType out) {
    return in != out || in == DType::i64 || in == DType::u64;
}

bool goes_through_f64(DType in, DType out, const std::vector<Window>& windows, double cval) {
    bool far = false;
    for (const Window& w : windows) far = far || (is_constant(w.mode) && !holds(in, cval));
    return far || goes_through_f64(in, out);
}

std::vector<Window> passes_of(const std::vector<Window>& windows, bool converts) {
    std::vector<Window> passes;
    for (const Window& w : windows) {
        if (converts || w.size > 1) passes.push_back(w);
    }
    return passes;
}

Window shortened(Window window, std::int64_t n) {
    const std::int64_t before = std::min(window.before(), 2 * n);
    const std::int64_t after = std::min(window.size - 1 - window.before(), 2 * n);
    window.size = before + 1 + after;
    window.origin = before - window.size / 2;
    return window;
}

double held_value(DType dtype, double cval) {
    return visit(dtype, [&](auto t) { return as_double(TruncateWrap::cast<typename decltype(t)::type>(cval)); });
}

Line line_of(const ConstArrayView& in, const ArrayView& out, const Window& window) {
    Line line;
    line.n = in.shape[window.axis];
    line.in_stride = in.strides[window.axis];
    line.out_stride = out.strides[window.axis];
    line.size = window.size;
    line.before = window.before();
    line.after = window.size - 1 - line.before;
    line.extension.reserve(static_cast<std::size_t>(line.before + line.after));
    for (std::int64_t e = 0; e < line.before; ++e) {
        line.extension.push_back(fold_index(e - line.before, line.n, window.mode));
    }
    for (std::int64_t e = 0; e < line.after; ++e) {
        line.extension.push_back(fold_index(line.n + e, line.n, window.mode));
    }
    return line;
}

Line plain_line(const Axes<2>::Axis& axis) {
    Line line;
    line.n = axis.extent;
    line.in_stride = axis.strides[0];
    line.out_stride = axis.strides[1];
    return line;
}

namespace {

using Walk = Axes<2>;

Line box_line(const ConstArrayView& in, const ArrayView& out, const Window& window) {
    return line_of(in, out, shortened(window, in.shape[window.axis]));
}

// The axes that no window of a sweep runs along.
Walk walk_without(const ConstArrayView& in, const ArrayView& out, const std::vector<int>& axes) {
    Walk walk;
    for (int a = 0; a < in.rank; ++a) {
        const bool windowed = std::find(axes.begin(), axes.end(), a) != axes.end();
        if (!windowed && in.shape[a] != 1) walk.push(in.shape[a], {in.strides[a], out.strides[a]});
    }
    walk.slowest_first(1);
    walk.merge();
    return walk;
}

// Elements of a sample of the lines along an axis, where these are the contiguous ones; 0 where they are not.
std::int64_t contiguous_width(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t itemsize) {
    std::int64_t inner = 1;
    for (int a = 0; a < out.rank; ++a) {
        const bool faster = std::abs(out.strides[a]) < std::abs(out.strides[axis]);
        if (a != axis && out.shape[a] > 1 && (faster || in.shape[axis] == 1)) inner *= out.shape[a];
    }
    return inner == 1 || inner * itemsize <= kInterleavedBytes ? inner : 0;
}

}  // namespace

std::int64_t take_interleaved(Axes<2>& outer, Line& x) {
    if (outer.rank() == 0) return 1;
    const Walk::Axis last = outer[outer.rank() - 1];
    const bool flush = x.in_stride == last.extent && x.out_stride == last.extent;
    if (!flush || last.strides[0] != 1 || last.strides[1] != 1) return 1;
    x.in_stride = x.out_stride = 1;
    return outer.pop().extent;
}

namespace {

// Without x: windows along y, with the fastest of the other axes beside it.
Sweep across(const ConstArrayView& in, const ArrayView& out, const Window& window) {
    Sweep sweep;
    sweep.has_y = true;
    sweep.y = box_line(in, out, window);
    sweep.outer = walk_without(in, out, {window.axis});
    if (sweep.outer.rank() > 0) sweep.x = plain_line(sweep.outer.pop());
    return sweep;
}

// With x. `slower` are the windows of y, and of z before it, if there are any.
Sweep along(const ConstArrayView& in, const ArrayView& out, const std::vector<Window>& slower, const Window& window) {
    Sweep sweep;
    sweep.has_x = true;
    sweep.x = box_line(in, out, window);
    std::vector<int> axes = {window.axis};
    for (const Window& w : slower) axes.push_back(w.axis);
    sweep.outer = walk_without(in, out, axes);
    sweep.width = take_interleaved(sweep.outer, sweep.x);
    if (!slower.empty()) {
        sweep.has_y = true;
        sweep.y = box_line(in, out, slower.back());
    } else if (sweep.outer.rank() > 0) {
        sweep.y = plain_line(sweep.outer.pop());
    }
    if (slower.size() > 1) {
        sweep.has_z = true;
        sweep.z = box_line(in, out, slower.front());
    }
    return sweep;
}

}  // namespace

FusedBlock fused_block(const Sweep& sweep, std::int64_t itemsize) {
    const std::int64_t planes = std::clamp<std::int64_t>(sweep.z.size, 4, 8);
    const std::int64_t row = std::max<std::int64_t>(sweep.row() * itemsize, 64);
    const std::int64_t rows = kFusedBytes / (row * (2 * planes + sweep.z.size - 1)) - (sweep.y.size - 1);
    return {std::min(planes, sweep.z.n), std::min(rows, sweep.y.n)};
}

namespace {

// All in one sweep where the rows that neighbouring blocks both read are few.
bool can_fuse(const Sweep& sweep, std::int64_t itemsize) {
    const std::int64_t rows = fused_block(sweep, itemsize).rows;
    return rows >= sweep.y.n || (rows > 0 && 2 * rows >= 3 * (sweep.y.size - 1));
}

}  // namespace

std::vector<Sweep> sweeps_of(const ConstArrayView& in, const ArrayView& out, const std::vector<Window>& windows,
                             std::int64_t itemsize, bool fused) {
    std::vector<Sweep> sweeps;
    const ConstArrayView made = as_const(out);  // what all sweeps but the first read
    const auto from = [&]() -> const ConstArrayView& { return sweeps.empty() ? in : made; };
    if (!fused) {
        for (const Window& w : windows) {
            const bool contiguous = contiguous_width(in, out, w.axis, itemsize) > 0;
            sweeps.push_back(contiguous ? along(from(), out, {}, w) : across(from(), out, w));
        }
        return sweeps;
    }
    std::vector<Window> slower = windows;
    std::stable_sort(slower.begin(), slower.end(), [&](const Window& a, const Window& b) {
        return std::abs(out.strides[a.axis]) > std::abs(out.strides[b.axis]);
    });
    const Window last = slower.back();
    const bool has_x = contiguous_width(in, out, last.axis, itemsize) > 0;
    bool last_is_done = !has_x;
    if (has_x) {
        slower.pop_back();
        const std::int64_t row = in.shape[last.axis] * itemsize;
        // Later sweeps run in place: they hold a whole plane.
        const std::int64_t plane = slower.size() < 2 ? 0 : row * in.shape[slower.back().axis];
        if (row > kRowBytes || plane > kPlaneBytes) {
            sweeps.push_back(along(in, out, {}, last));
            last_is_done = true;
        } else if (slower.size() >= 2) {
            const Sweep all = along(in, out, {slower.end() - 2, slower.end()}, last);
            // A few planes of an input that lies across the result are a few samples of each of its cache lines.
            const bool lies_across = std::abs(all.z.in_stride) < std::abs(all.x.in_stride);
            if (!lies_across && can_fuse(all, itemsize)) {
                sweeps.push_back(all);
                slower.resize(slower.size() - 2);
                last_is_done = true;
            }
        }
    }
    std::vector<Window> plane;
    if (!last_is_done && !slower.empty()) {
        plane.push_back(slower.back());
        slower.pop_back();
    }
    for (const Window& w : slower) sweeps.push_back(across(from(), out, w));
    if (!last_is_done) sweeps.push_back(along(from(), out, plane, last));
    return sweeps;
}

std::int64_t work_of(const ConstArrayView& in, std::size_t passes) {
    return in.size() * static_cast<std::int64_t>(passes) / 2;  // a vector instruction does several
}

}  // namespace voxkern::extrema1d
