// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/norm/norm.hpp"
#include "kernels/norm/norm_task.hpp"

namespace voxkern::norm {
namespace {

constexpr std::int64_t kBlock = 4096;         // samples that stay in L1 while their moments are taken
constexpr std::int64_t kPiece = 16 * kBlock;  // samples that one thread takes at a time

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

template <class View>
auto volume_of(const View& view, std::int64_t volume) {
    return view.at(volume / view.shape[1] * view.strides[0] + volume % view.shape[1] * view.strides[1]);
}

// One channel of one image is a volume; all have the same layout.
struct Job {
    const ConstArrayView& in;
    const ArrayView& out;
    const Channels& channels;
    const Options& options;
    const Ops& ops;
    Axes<3> space;             // within a volume, of the input, the output and what is added
    bool contiguous = false;   // samples of a volume lie side by side in all of them
    std::int64_t samples = 0;  // of a volume
    std::int64_t pieces = 0;

    bool adds() const { return channels.added.data != nullptr; }
    const float* source(std::int64_t volume) const { return static_cast<const float*>(volume_of(in, volume)); }
    const float* added(std::int64_t volume) const {
        return adds() ? static_cast<const float*>(volume_of(channels.added, volume)) : nullptr;
    }
    float* target(std::int64_t volume) const { return static_cast<float*>(volume_of(out, volume)); }
};

Job job_of(const ConstArrayView& in, const ArrayView& out, const Channels& channels, const Options& options) {
    Job job = {in, out, channels, options, active_ops(), {}};
    for (int a = 2; a < in.rank; ++a) {
        const std::int64_t beside = job.adds() ? channels.added.strides[a] : out.strides[a];
        if (in.shape[a] != 1) job.space.push(in.shape[a], {in.strides[a], out.strides[a], beside});
    }
    job.space.slowest_first(1);
    job.space.merge();
    const int rank = job.space.rank();
    job.contiguous = rank == 0 || (rank == 1 && job.space[0].strides == Axes<3>::Offsets{1, 1, 1});
    job.samples = job.space.size();
    job.pieces = (job.samples + kPiece - 1) / kPiece;
    return job;
}

// Copies samples [first, first + n) of a volume to where they lie side by side, or back; `array` is one of the space's.
void gather(const Axes<3>& space, std::size_t array, const float* from, std::int64_t first, std::int64_t n, float* to) {
    const Axes<3>::Axis row = space[space.rank() - 1];
    for (std::int64_t done = 0; done < n;) {
        const std::int64_t count = std::min(n - done, row.extent - (first + done) % row.extent);
        const float* const start = from + space.at(first + done)[array];
        for (std::int64_t i = 0; i < count; ++i) to[done + i] = start[i * row.strides[array]];
        done += count;
    }
}
void scatter(const Axes<3>& space, const float* from, std::int64_t first, std::int64_t n, float* to) {
    const Axes<3>::Axis row = space[space.rank() - 1];
    for (std::int64_t done = 0; done < n;) {
        const std::int64_t count = std::min(n - done, row.extent - (first + done) % row.extent);
        float* const start = to + space.at(first + done)[1];
        for (std::int64_t i = 0; i < count; ++i) start[i * row.strides[1]] = from[done + i];
        done += count;
    }
}

// Calls visit(first, n) for the blocks of a piece.
template <class Visit>
void for_blocks(const Job& job, std::int64_t piece, const Visit& visit) {
    const std::int64_t end = std::min((piece + 1) * kPiece, job.samples);
    for (std::int64_t first = piece * kPiece; first < end; first += kBlock) visit(first, std::min(kBlock, end - first));
}

Moments moments_of(const Job& job, std::int64_t volume, std::int64_t piece, float* buffer) {
    const float* const source = job.source(volume);
    Moments moments;
    for_blocks(job, piece, [&](std::int64_t first, std::int64_t n) {
        if (!job.contiguous) gather(job.space, 0, source, first, n, buffer);
        moments = joined(moments, job.ops.moments(job.contiguous ? source + first : buffer, n));
    });
    return moments;
}

void apply(const Job& job, std::int64_t volume, std::int64_t piece, const Line& line, float* buffer) {
    const float* const source = job.source(volume);
    const float* const added = job.added(volume);
    float* const target = job.target(volume);
    for_blocks(job, piece, [&](std::int64_t first, std::int64_t n) {
        if (job.contiguous) {
            const float* const beside = added != nullptr ? added + first : nullptr;
            job.ops.apply(line, job.options.slope, source + first, beside, target + first, n);
            return;
        }
        float* const beside = added != nullptr ? buffer + kBlock : nullptr;
        gather(job.space, 0, source, first, n, buffer);
        if (added != nullptr) gather(job.space, 2, added, first, n, beside);
        job.ops.apply(line, job.options.slope, buffer, beside, buffer, n);
        scatter(job.space, buffer, first, n, target);
    });
}

// Calls visit(volume, piece, buffer) for all pieces of all volumes; small volumes make a chunk together.
template <class Visit>
void for_pieces(const Job& job, std::int64_t volumes, const Exec& exec, const Visit& visit) {
    const std::int64_t total = volumes * job.pieces;
    const std::int64_t group = std::max<std::int64_t>(kPiece / job.samples, 1);
    parallel_for((total + group - 1) / group, exec, [&](std::int64_t chunk) {
        Workspace workspace(Workspace::bytes_of<float>({2 * kBlock}));
        float* const buffer = workspace.take<float>(2 * kBlock);
        const std::int64_t end = std::min((chunk + 1) * group, total);
        for (std::int64_t i = chunk * group; i < end; ++i) visit(i / job.pieces, i % job.pieces, buffer);
    });
}

// Many volumes: one after another, so that a volume is still in cache when it is changed.
void run_volumes(const Job& job, std::int64_t volumes, const Exec& exec) {
    Job whole = job;
    whole.pieces = 1;
    for_pieces(whole, volumes, exec, [&](std::int64_t volume, std::int64_t /*piece*/, float* buffer) {
        Moments moments;
        for (std::int64_t p = 0; p < job.pieces; ++p) moments = joined(moments, moments_of(job, volume, p, buffer));
        const Line line = line_of(moments, volume % job.in.shape[1], job.channels, job.options.eps);
        for (std::int64_t p = 0; p < job.pieces; ++p) apply(job, volume, p, line, buffer);
    });
}

// The lines of all channels of all images, from moments of pieces. Both ways join the same moments in the same order.
std::vector<Line> lines_of(const Job& job, std::int64_t volumes, const Exec& exec) {
    const Statistics statistics = job.options.statistics;
    const bool taken = statistics == Statistics::given || statistics == Statistics::known;
    std::vector<Moments> parts(static_cast<std::size_t>(taken ? 0 : volumes * job.pieces));
    if (!parts.empty()) {
        for_pieces(job, volumes, exec, [&](std::int64_t volume, std::int64_t piece, float* buffer) {
            parts[static_cast<std::size_t>(volume * job.pieces + piece)] = moments_of(job, volume, piece, buffer);
        });
    }
    const std::int64_t n_channels = job.in.shape[1];
    const auto of_volume = [&](std::int64_t volume) {
        Moments moments;
        for (std::int64_t p = 0; p < job.pieces; ++p) {
            moments = joined(moments, parts[static_cast<std::size_t>(volume * job.pieces + p)]);
        }
        return moments;
    };
    std::vector<Line> lines;
    for (std::int64_t volume = 0; volume < volumes; ++volume) {
        const std::int64_t channel = volume % n_channels;
        if (statistics == Statistics::instance) {
            lines.push_back(line_of(of_volume(volume), channel, job.channels, job.options.eps));
        } else if (statistics == Statistics::known) {
            const Moments moments = moments_at(job.channels.moments, volume / n_channels, channel);
            lines.push_back(line_of(moments, channel, job.channels, job.options.eps));
        } else if (volume >= n_channels) {
            lines.push_back(lines[static_cast<std::size_t>(channel)]);
        } else if (statistics == Statistics::given) {
            lines.push_back(line_of(given_moments(channel, job.channels), channel, job.channels, job.options.eps));
        } else {
            Moments moments;
            for (std::int64_t v = channel; v < volumes; v += n_channels) moments = joined(moments, of_volume(v));
            lines.push_back(line_of(moments, channel, job.channels, job.options.eps));
        }
    }
    return lines;
}

}  // namespace
}  // namespace voxkern::norm

namespace voxkern::cpu {

void norm(const ConstArrayView& in, const ArrayView& out, const norm::Channels& channels, const norm::Options& options,
          const Exec& exec) {
    if (out.size() == 0) return;
    const Exec limited = limited_to_work(flushing_subnormals(exec), out.size());
    const norm::Job job = norm::job_of(in, out, channels, options);
    const std::int64_t volumes = in.shape[0] * in.shape[1];
    const bool many = volumes >= 4 * limited.threads || job.pieces == 1;
    if (options.statistics == norm::Statistics::instance && many) {
        norm::run_volumes(job, volumes, limited);
        return;
    }
    const std::vector<norm::Line> lines = norm::lines_of(job, volumes, limited);
    norm::for_pieces(job, volumes, limited, [&](std::int64_t volume, std::int64_t piece, float* buffer) {
        norm::apply(job, volume, piece, lines[static_cast<std::size_t>(volume)], buffer);
    });
}

}  // namespace voxkern::cpu
