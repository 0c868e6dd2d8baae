// SPDX-License-Identifier: Apache-2.0
#include "kernels/rank/rank_plan.hpp"

#include <algorithm>
#include <cmath>

#include "core/cast.hpp"

namespace voxkern::rank {

std::int64_t Options::count() const {
    if (!footprint.empty()) return std::count(footprint.begin(), footprint.end(), true);
    std::int64_t n = 1;
    for (const std::int64_t s : size) n *= s;
    return n;
}

std::int64_t work_of(const ConstArrayView& in, const Options& options) {
    return in.size() * std::max<std::int64_t>(options.count() / 8, 1);
}

namespace {

// Whether the cut value is one of the dtype: what scipy takes for a line, where other arrays wrap.
bool holds(DType dtype, double cval) {
    return visit(dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        if constexpr (kFloating<T>) {
            return true;
        } else {
            const double whole = std::trunc(cval);  // NaN is not held
            return whole >= lower_limit<T, double>() && whole <= upper_limit<T, double>();
        }
    });
}

// The value outside as a sample of the input.
double sample_outside(DType dtype, const Options& options) {
    return visit(dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        if (options.line && !kFloating<T>) return std::trunc(options.cval);
        return static_cast<double>(TruncateWrap::cast<T>(options.cval));
    });
}

std::vector<AxisPlan> axes_of(const ConstArrayView& in, const ArrayView& out, const Options& options) {
    std::vector<AxisPlan> axes;
    for (const int a : slowest_first(out.rank, out.strides)) {
        const auto i = static_cast<std::size_t>(a);
        AxisPlan axis = {
            in.shape[a], in.strides[a], out.strides[a], options.size[i], options.before[i], options.mode[i], a, {}};
        for (std::int64_t p = -axis.before; p < axis.n + axis.after(); ++p) {
            axis.index.push_back(fold_index(p, axis.n, axis.mode));
        }
        axes.push_back(std::move(axis));
    }
    return axes;
}

// The axis that vectors go along: the fastest one, unless it is so short that they would be empty.
AxisPlan take_x(std::vector<AxisPlan>& axes, std::int64_t strip) {
    if (axes.empty()) return {1, 0, 0, 1, 0, Boundary::reflect, -1, {0}};
    const auto fits = [&](const AxisPlan& axis) { return std::min(axis.n, strip / 4); };
    auto best = axes.end() - 1;
    for (auto axis = axes.begin(); axis != axes.end(); ++axis) {
        if (fits(*axis) >= 4 * fits(*best) || (fits(*axis) > fits(*best) && best != axes.end() - 1)) best = axis;
    }
    AxisPlan x = std::move(*best);
    axes.erase(best);
    return x;
}

}  // namespace

bool is_box(const Options& options) {
    return std::find(options.footprint.begin(), options.footprint.end(), false) == options.footprint.end();
}

Coding coding_of(DType in, DType out, const Options& options) {
    const bool whole64 = in == DType::i64 || in == DType::u64;
    const bool same = in == out && (!options.line || holds(in, options.cval));
    if (!same || (whole64 && !options.line)) return Coding::wide;
    return whole64 ? Coding::exact : Coding::direct;
}

double outside_of(DType in, Coding coding, const Options& options) {
    return coding == Coding::wide ? sample_outside(in, options) : options.cval;
}

void Plan::choose_coding(const ConstArrayView& in, const ArrayView& out, const Options& options) {
    coding = coding_of(in.dtype, out.dtype, options);
    outside = outside_of(in.dtype, coding, options);
    key_bytes =
        coding == Coding::direct ? std::max<std::int64_t>(size_of(in.dtype), in.dtype == DType::f16 ? 4 : 1) : 8;
    strip = kRowBytes / key_bytes;
}

Plan::Plan(const ConstArrayView& in, const ArrayView& out, const Options& options) {
    choose_coding(in, out, options);
    std::vector<AxisPlan> axes = axes_of(in, out, options);
    x = take_x(axes, strip);
    width = strip;
    method = method_of(options, axes);
    if (method == Method::box) {
        z.index = y.index = {0};
        bool first = true;
        for (AxisPlan& axis : axes) {
            if (axis.size > 1) {
                (first ? z : y) = std::move(axis);
                first = false;
            } else {
                outer.push(axis.n, {axis.in_stride, axis.out_stride});
            }
        }
        plan_box(options.rank);
    } else {
        if (method == Method::slide) width = std::min(x.n, std::max(strip, 4 * x.size));
        pitch = staged_row(width);
        plan_footprint(axes, options);
    }
}

// By nanoseconds for a result, measured. A network compares each sample several times, fewer where neighbours share
// it; bisection reads it once for each bit; a window that slides along x sorts a row's samples once, and puts each in
// and out.
Method Plan::method_of(const Options& options, const std::vector<AxisPlan>& axes) const {
    static constexpr std::int64_t kBoxMost[] = {512, 512, 1400, 1400};  // samples, by the size of the keys
    static constexpr std::int64_t kNetworkMost = 512;
    static constexpr double kByBox[] = {0.12, 0.17, 0.45, 0.7};  // for a sample
    static constexpr double kByNetwork[] = {0.12, 0.2, 0.3, 0.4};
    static constexpr double kByBits[] = {0.08, 0.3, 1.1, 4.3};
    static constexpr double kBySliding[] = {3.0, 5.0, 11.0, 16.0};  // for a row
    static constexpr double kByStep = 10.0;
    std::size_t i = 0;
    while ((1 << i) < key_bytes) ++i;
    const std::int64_t count = options.count();
    const bool full = is_box(options);
    const auto windowed = std::count_if(axes.begin(), axes.end(), [](const AxisPlan& a) { return a.size > 1; });
    Method best = count <= kNetworkMost ? Method::network : Method::bisect;
    double cost = (best == Method::network ? kByNetwork : kByBits)[i];
    if (full && count <= kBoxMost[i] && (windowed == 1 || windowed == 2)) {
        best = Method::box;
        cost = kByBox[i];
    }
    const double sliding = kBySliding[i] * static_cast<double>(count / x.size) + kByStep;
    return full && cost * static_cast<double>(count) > sliding ? Method::slide : best;
}

template <class Place>
void Plan::keep(const Code& code, const Place& place) {
    auto [steps, operands] = code.placed(strip, place);
    stored_.push_back({std::move(steps), std::move(operands)});
    const Stored& kept = stored_.back();
    programs.push_back({kept.steps.data(), static_cast<std::int64_t>(kept.steps.size()), kept.operands.data()});
    rows = std::max<std::int64_t>(rows, code.rows);
}

namespace {

// The sorted planes of a box at `rows_y` places along y, of the staged plane `plane`.
std::vector<Network::List> planes(Network& net, const Plan& plan, std::int64_t plane) {
    std::vector<std::vector<std::int32_t>> taps(static_cast<std::size_t>(plan.rows_y + plan.y.size - 1));
    for (std::size_t r = 0; r < taps.size(); ++r) {
        for (std::int64_t d = 0; d < plan.x.size; ++d) {
            const std::int64_t at = plane * plan.plane + static_cast<std::int64_t>(r) * plan.pitch + d;
            taps[r].push_back(static_cast<std::int32_t>(at));
        }
    }
    if (plan.rows_y == 1 && plan.x.size * plan.y.size <= kSortMost) {
        std::vector<std::int32_t> all;
        for (const auto& row : taps) all.insert(all.end(), row.begin(), row.end());
        return {net.sort(all)};
    }
    std::vector<Network::List> rows;
    for (const auto& row : taps) rows.push_back(net.sort(row));
    if (plan.rows_y == 1) return {net.merge(std::move(rows))};
    const Network::List shared = net.merge(std::vector<Network::List>(rows.begin() + 1, rows.end() - 1));
    return {net.merge(shared, rows.front()), net.merge(shared, rows.back())};
}

}  // namespace

// Elements of a row of samples for n results along x. Whole vectors may read past the last sample.
std::int64_t Plan::staged_row(std::int64_t n) const {
    const std::int64_t align = 64 / key_bytes;
    return (n + x.size - 1 + align - 1) / align * align;
}

// A block's samples stay in L2. It starts with a few planes that its neighbour sorts as well.
void Plan::plan_block() {
    constexpr std::int64_t kBlockBytes = std::int64_t{256} << 10;
    depth = std::min((z.n + 1) / 2 * 2, std::max<std::int64_t>(y.n > 1 ? 16 : 64, 8 * z.size));
    height = std::min((y.n + rows_y - 1) / rows_y, std::int64_t{8}) * rows_y;
    const std::int64_t planes = depth + z.size + 1;
    const std::int64_t rows_of_plane = height + y.size - 1;
    const std::int64_t strips = (x.n + strip - 1) / strip;
    width = strip * std::clamp<std::int64_t>(kBlockBytes / (planes * rows_of_plane * kRowBytes), 1, strips);
    pitch = staged_row(width);
    plane = rows_of_plane * pitch;
    staged_rows = planes * rows_of_plane;
}

// Step t takes planes 2t - 1 and 2t of samples, counted from the first window's start, and sorts each. From step `lag`
// on it gives the results of two neighbouring windows, which share all planes but one each. Kept for later steps, per
// place along y: plane 2t, and the merger of both planes.
void Plan::plan_box(std::int64_t rank) {
    const std::int64_t n = x.size * y.size;  // samples of a plane
    const std::int64_t s = z.size;
    rows_y = y.size > 2 && n > kSortMost && y.n > 1 ? 2 : 1;
    lag = (s + 1) / 2;
    phases = lag + 1;
    plan_block();
    const auto list = static_cast<std::int32_t>(n);
    const std::int32_t block = 3 * list * static_cast<std::int32_t>(rows_y);  // rows kept by a step
    const std::int32_t kept = block * static_cast<std::int32_t>(phases);
    const std::int32_t free_row = kept + 2 * static_cast<std::int32_t>(rows_y);
    results = kept;

    Network net;
    const std::vector<Network::List> first = planes(net, *this, 0);
    const std::vector<Network::List> second = planes(net, *this, 1);
    std::vector<std::pair<Network::Value, std::int32_t>> ends;
    std::vector<std::pair<Network::Value, std::int32_t>> kept_values;
    Network::List wanted;
    for (std::int32_t r = 0; r < static_cast<std::int32_t>(rows_y); ++r) {
        const auto place = [&](std::int64_t age, std::int32_t part) {
            return static_cast<std::int32_t>(age) * block + (3 * r + part) * list;
        };
        const auto here = static_cast<std::size_t>(r);
        std::vector<Network::List> lists;
        for (std::int64_t j = 1; j < lag; ++j) lists.push_back(net.given(place(lag - j, 1), 2 * list));
        if (s % 2 == 0) lists.push_back(first[here]);
        const Network::List shared = net.merge(std::move(lists));
        const Network::List oldest = net.given(place(lag, 0), list);
        const Network::List& newest = s % 2 == 0 ? second[here] : first[here];
        for (const Network::List* own : {&oldest, &newest}) {
            const Network::Value value = net.select(shared, *own, rank);
            ends.emplace_back(value, kept + 2 * r + (own == &newest ? 1 : 0));
            wanted.push_back(value);
        }
        const Network::List both = net.merge(first[here], second[here]);
        for (std::int32_t i = 0; i < list; ++i) {
            kept_values.emplace_back(second[here][static_cast<std::size_t>(i)], place(0, 0) + i);
        }
        for (std::int32_t i = 0; i < 2 * list; ++i) {
            kept_values.emplace_back(both[static_cast<std::size_t>(i)], place(0, 1) + i);
        }
    }

    // A row is kept where a later step needs it.
    const std::vector<bool> needs = net.needs(wanted, kept);
    std::vector<std::pair<Network::Value, std::int32_t>> starts;
    for (const auto& [value, row] : kept_values) {
        bool later = false;
        for (std::int32_t age = 1; age < phases; ++age) {
            later = later || needs[static_cast<std::size_t>(age * block + row)];
        }
        if (later) starts.emplace_back(value, row);
    }
    ends.insert(ends.end(), starts.begin(), starts.end());
    const Code full = net.code(ends, free_row);
    const Code start = net.code(starts, free_row);
    stored_.reserve(static_cast<std::size_t>(2 * phases));
    for (const Code* code : {&full, &start}) {
        for (std::int64_t phase = 0; phase < phases; ++phase) {
            keep(*code, [&](std::int32_t row) {
                if (row >= kept) return static_cast<std::int64_t>(row);
                const std::int64_t age = row / block;
                return (phase - age + phases) % phases * block + row % block;
            });
        }
    }
}

void Plan::plan_footprint(const std::vector<AxisPlan>& axes, const Options& options) {
    walked = axes;
    const auto rank = options.size.size();
    std::vector<std::int64_t> at(rank, 0);
    const std::int64_t samples = [&] {
        std::int64_t product = 1;
        for (const std::int64_t s : options.size) product *= s;
        return product;
    }();
    std::vector<std::pair<std::vector<std::int64_t>, std::int64_t>> found;  // place along the walked axes, along x
    for (std::int64_t i = 0; i < samples; ++i) {
        if (!options.footprint.empty() && !options.footprint[static_cast<std::size_t>(i)]) continue;
        unravel(i, static_cast<int>(rank), options.size.data(), at.data());
        std::vector<std::int64_t> place;
        for (const AxisPlan& axis : walked) place.push_back(at[static_cast<std::size_t>(axis.axis)]);
        found.emplace_back(std::move(place), x.axis < 0 ? 0 : at[static_cast<std::size_t>(x.axis)]);
    }
    std::stable_sort(found.begin(), found.end());
    const std::vector<std::int64_t>* last = nullptr;
    for (const auto& [place, along] : found) {
        if (last == nullptr || *last != place) {
            row_at.insert(row_at.end(), place.begin(), place.end());
            ++staged_rows;
        }
        last = &place;
        taps.push_back(static_cast<std::int32_t>((staged_rows - 1) * pitch + along));
    }
    if (method == Method::slide) {  // SlideScratch, and a row of results
        const std::int64_t staged = staged_rows * pitch;
        const std::int64_t bytes = 3 * 4 * (staged + 1) + 8 * (staged / 64 + 1) + width * key_bytes;
        rows = (bytes + kRowBytes - 1) / kRowBytes;
    }
    if (method == Method::network) {
        Network net;
        stored_.reserve(1);
        keep(net.code({{net.select(taps, options.rank), 0}}, 1), [](std::int32_t row) { return std::int64_t{row}; });
    }
}

}  // namespace voxkern::rank
