// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/workspace.hpp"
#include "kernels/rank/rank.hpp"
#include "kernels/rank/rank_plan.hpp"
#include "kernels/rank/rank_task.hpp"

namespace voxkern::rank {
namespace {

const KeyOps& ops_of(std::int64_t key_bytes) {
    const Ops& all = VOXKERN_SELECT_LEVEL(ops);
    int i = 0;
    while ((1 << i) < key_bytes) ++i;
    return all.by_size[i];
}

AxisTask task_of(const AxisPlan& axis) {
    return {axis.n, axis.in_stride, axis.out_stride, axis.size, axis.before, axis.index.data()};
}

Task task_of(const Plan& plan, const ConstArrayView& in, const ArrayView& out, const Options& options) {
    Task task;
    task.in = static_cast<const char*>(in.data);
    task.out = static_cast<char*>(out.data);
    task.in_dtype = in.dtype;
    task.out_dtype = out.dtype;
    task.in_itemsize = size_of(in.dtype);
    task.out_itemsize = size_of(out.dtype);
    task.coding = plan.coding;
    task.cval = plan.outside;
    task.x = task_of(plan.x);
    task.pitch = plan.pitch;
    task.z = task_of(plan.z);
    task.y = task_of(plan.y);
    task.plane = plan.plane;
    task.rows_y = plan.rows_y;
    task.lag = plan.lag;
    task.phases = plan.phases;
    task.programs = plan.programs.data();
    task.results = static_cast<std::int32_t>(plan.results * plan.strip);
    task.taps = plan.taps.data();
    task.count = static_cast<std::int64_t>(plan.taps.size());
    task.rank = options.rank;
    return task;
}

// Scratch of one chunk: staged samples and rows of the network.
struct Scratch {
    explicit Scratch(const Plan& plan)
        : workspace(bytes(plan)),
          staged(workspace.take<char>(staged_bytes(plan))),
          rows(workspace.take<char>(plan.rows * kRowBytes)) {}

    static std::int64_t staged_bytes(const Plan& plan) {
        return plan.staged_rows * plan.pitch * plan.key_bytes + kRowBytes;
    }
    static std::int64_t bytes(const Plan& plan) {
        return Workspace::bytes_of<char>({staged_bytes(plan), plan.rows * kRowBytes});
    }

    Workspace workspace;
    char* staged;
    char* rows;
};

std::int64_t parts(std::int64_t n, std::int64_t of) {
    return (n + of - 1) / of;
}

// The part of a whole that lies in [i * of, (i + 1) * of).
std::int64_t part(std::int64_t n, std::int64_t of, std::int64_t i) {
    return std::min(of, n - i * of);
}

void run_box(const Plan& plan, const Task& task, const Exec& exec) {
    const std::int64_t slabs = parts(plan.z.n, plan.depth);
    const std::int64_t bands = parts(plan.y.n, plan.height);
    const std::int64_t columns = parts(plan.x.n, plan.width);
    const RunTile run = ops_of(plan.key_bytes).box;
    parallel_for(plan.outer.size() * slabs * bands * columns, exec, [&](std::int64_t chunk) {
        const Scratch scratch(plan);
        const std::int64_t column = chunk % columns;
        const std::int64_t band = chunk / columns % bands;
        const std::int64_t slab = chunk / columns / bands % slabs;
        const auto offsets = plan.outer.at(chunk / columns / bands / slabs);
        Tile block = {};
        block.in_offset = offsets[0];
        block.out_offset = offsets[1];
        block.z = slab * plan.depth;
        block.n_z = part(plan.z.n, plan.depth, slab);
        block.y = band * plan.height;
        block.n_y = part(plan.y.n, plan.height, band);
        block.x = column * plan.width;
        block.n_x = part(plan.x.n, plan.width, column);
        run(task, block, scratch.staged, scratch.rows);
    });
}

// Where the rows of the footprint lie for the line at `position` of the walk.
void look_up(const Plan& plan, std::int64_t position, Tile& tile, std::vector<std::int64_t>& rows) {
    std::int64_t at[kMaxRank];
    for (auto a = static_cast<int>(plan.walked.size()) - 1; a >= 0; --a) {
        const AxisPlan& axis = plan.walked[static_cast<std::size_t>(a)];
        at[a] = position % axis.n;
        position /= axis.n;
        tile.out_offset += at[a] * axis.out_stride;
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        rows[r] = 0;
        for (std::size_t a = 0; a < plan.walked.size(); ++a) {
            const AxisPlan& axis = plan.walked[a];
            const std::int64_t i =
                axis.index[static_cast<std::size_t>(at[a] + plan.row_at[r * plan.walked.size() + a])];
            if (i == kOutside) {
                rows[r] = kNoRow;
                break;
            }
            rows[r] += i * axis.in_stride;
        }
    }
}

void run_footprint(const Plan& plan, const Task& task, const Exec& exec) {
    const std::int64_t tiles = plan.method == Method::slide ? 1 : 32;  // of a chunk
    std::int64_t lines = 1;
    for (const AxisPlan& axis : plan.walked) lines *= axis.n;
    const std::int64_t strips = parts(plan.x.n, plan.width);
    const KeyOps& ops = ops_of(plan.key_bytes);
    RunTile run = ops.network;
    if (plan.method != Method::network) run = plan.method == Method::slide ? ops.slide : ops.bisect;
    parallel_for(parts(lines * strips, tiles), exec, [&](std::int64_t chunk) {
        const Scratch scratch(plan);
        std::vector<std::int64_t> rows(static_cast<std::size_t>(plan.staged_rows));
        for (std::int64_t t = chunk * tiles; t < std::min((chunk + 1) * tiles, lines * strips); ++t) {
            Tile tile = {};
            tile.x = t % strips * plan.width;
            tile.n_x = part(plan.x.n, plan.width, t % strips);
            tile.rows = rows.data();
            tile.n_rows = plan.staged_rows;
            look_up(plan, t / strips, tile, rows);
            run(task, tile, scratch.staged, scratch.rows);
        }
    });
}

}  // namespace
}  // namespace voxkern::rank

namespace voxkern::cpu {

void rank(const ConstArrayView& in, const ArrayView& out, const rank::Options& options, const Exec& exec) {
    if (in.size() == 0) return;
    const rank::Plan plan(in, out, options);
    const rank::Task task = rank::task_of(plan, in, out, options);
    const Exec limited = limited_to_work(exec, rank::work_of(in, options));
    if (plan.method == rank::Method::box) {
        rank::run_box(plan, task, limited);
    } else {
        rank::run_footprint(plan, task, limited);
    }
}

}  // namespace voxkern::cpu
