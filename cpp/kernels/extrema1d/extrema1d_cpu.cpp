// SPDX-License-Identifier: Apache-2.0
#include "kernels/extrema1d/extrema1d.hpp"

#include "core/cast.hpp"
#include "kernels/correlate1d/correlate1d.hpp"
#include "kernels/extrema1d/extrema1d_run.hpp"

namespace voxkern::extrema1d {
namespace {

Compute compute_as(DType dtype, DType in, DType out, Kind kind, double cval, bool converts) {
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    Compute compute;
    compute.converts = converts;
    compute.dtype = dtype;
    compute.itemsize = size_of(compute.dtype);
    compute.ops = ops.type(compute.dtype, kind);
    compute.in = ops.conversion(in);
    compute.out = ops.conversion(out);
    visit(compute.dtype, [&](auto t) {
        const auto value = TruncateWrap::cast<typename decltype(t)::type>(cval);
        std::memcpy(compute.cval, &value, sizeof(value));
    });
    return compute;
}

Compute compute_in(DType in, DType out, Kind kind, double cval, bool converts) {
    const bool far = converts || goes_through_f64(in, out);
    return compute_as(far ? DType::f64 : in, in, out, kind, cval, far);
}

// Sums of samples and heights have the input's type.
Compute compute_raised(DType in, DType out, Kind kind, double cval) {
    Compute compute = compute_as(in, in, out, kind, cval, false);
    compute.raised = VOXKERN_SELECT_LEVEL(ops).raised(in, kind);
    return compute;
}

Residues residues_of(const Residue& residue, const ArrayView& out) {
    Residues residues;
    residues.out = static_cast<const char*>(out.data);
    residues.a = static_cast<const char*>(residue.a);
    residues.b = static_cast<const char*>(residue.b != nullptr ? residue.b : residue.a);
    residues.row = VOXKERN_SELECT_LEVEL(ops).residue(out.dtype, residue.kind);
    return residues;
}

}  // namespace

void extend_line(const Compute& compute, const Line& x, std::int64_t width, char* line) {
    compute.ops.extend(line + x.before * width * compute.itemsize, x.n, width, x.extension.data(), x.before, x.after,
                       compute.cval);
}

void load_piece(const Compute& compute, const char* from, DType dtype, const Line& x, std::int64_t width,
                std::int64_t first, std::int64_t count, char* to) {
    const std::int64_t begin = first - x.before;
    const std::int64_t end = first + count + x.after;
    const std::int64_t low = std::max<std::int64_t>(begin, 0);
    const std::int64_t high = std::min(end, x.n);
    const std::int64_t sample = width * compute.itemsize;
    const auto load = [&](std::int64_t i, std::int64_t n, char* at) {
        const Block block = {1, n * width, 0, x.in_stride};
        compute.load(from + i * width * x.in_stride * size_of(dtype), dtype, block, at, 0);
    };
    load(low, high - low, to + (low - begin) * sample);
    if (count == x.n) {
        extend_line(compute, x, width, to);
        return;
    }
    for (std::int64_t p = begin; p < end; ++p) {
        if (p == low) p = high;
        if (p == end) break;
        const std::int64_t index = x.at(p);
        char* const at = to + (p - begin) * sample;
        if (index < 0) {
            compute.ops.fill(at, compute.cval, width);
        } else {
            load(index, 1, at);
        }
    }
}

}  // namespace voxkern::extrema1d

namespace voxkern::cpu {

void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const std::vector<extrema1d::Window>& windows, double cval, const extrema1d::Residue& residue,
               const Exec& exec) {
    if (in.size() == 0) return;
    const bool converts = extrema1d::goes_through_f64(in.dtype, out.dtype, windows, cval);
    const extrema1d::Compute first = extrema1d::compute_in(in.dtype, out.dtype, kind, cval, converts);
    const extrema1d::Compute later = extrema1d::compute_in(out.dtype, out.dtype, kind, cval, first.converts);
    const extrema1d::Residues residues = extrema1d::residues_of(residue, out);
    const std::vector<extrema1d::Window> passes = extrema1d::passes_of(windows, converts || residues.row != nullptr);
    if (passes.empty()) {
        correlate1d(in, out, {}, exec);  // a copy, converted as results are
        return;
    }
    const Exec limited = limited_to_work(exec, extrema1d::work_of(in, passes.size()));
    ConstArrayView from = in;
    const auto sweeps = extrema1d::sweeps_of(in, out, passes, first.itemsize, !first.converts);
    for (const extrema1d::Sweep& sweep : sweeps) {
        const bool last = &sweep == &sweeps.back();
        extrema1d::run_sweep(from, out, sweep, from.data == in.data ? first : later,
                             last ? residues : extrema1d::Residues{}, limited);
        from = as_const(out);
    }
}

void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const extrema1d::Footprint& footprint, double cval, const extrema1d::Residue& residue,
               const Exec& exec) {
    if (in.size() == 0) return;
    if (in.rank == 0) {
        extrema1d::Footprint line = footprint;
        line.windows = {extrema1d::Window{}};
        extrema1d(extrema1d::with_an_axis(in), extrema1d::with_an_axis(out), kind, line, cval, residue, exec);
        return;
    }
    const double held = extrema1d::held_value(in.dtype, cval);
    const extrema1d::Compute compute = footprint.heights.empty()
                                           ? extrema1d::compute_in(in.dtype, out.dtype, kind, held, false)
                                           : extrema1d::compute_raised(in.dtype, out.dtype, kind, held);
    const extrema1d::Residues residues = extrema1d::residues_of(residue, out);
    extrema1d::run_footprint(in, out, footprint, compute, residues, exec);
}

}  // namespace voxkern::cpu
