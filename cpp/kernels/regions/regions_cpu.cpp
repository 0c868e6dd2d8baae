// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/regions/regions.hpp"
#include "kernels/regions/regions_task.hpp"

namespace voxkern::regions {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 18;  // samples that one thread takes at a time
constexpr std::int64_t kMostChunks = 64;

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

// How many tables are made: all of them take no more memory than a byte per sample, where there are two or more.
std::int64_t chunks_of(std::int64_t size, std::int64_t rows, std::int64_t count, int rank) {
    const std::int64_t table = count * (static_cast<std::int64_t>(sizeof(Region)) + 24 * rank);
    return std::clamp<std::int64_t>(std::min(size / kChunk, size / std::max<std::int64_t>(table, 1)), 1,
                                    std::min(kMostChunks, rows));
}

Table empty_table(std::int64_t count, int rank) {
    Table table;
    table.rank = rank;
    table.regions.resize(static_cast<std::size_t>(count));
    table.places.resize(static_cast<std::size_t>(count * 3 * rank));
    return table;
}

void add(Region& a, const Region& b) {
    if (a.count == 0) {
        a = b;
        return;
    }
    const double n = static_cast<double>(b.count);
    const double moved = b.pivot - a.pivot;
    a.second += b.second + moved * (2.0 * b.first + n * moved);
    a.first += b.first + n * moved;
    a.sum += b.sum;
    a.count += b.count;
    if (b.minimum_at >= 0 && (a.minimum_at < 0 || b.minimum < a.minimum)) {
        a.minimum = b.minimum;
        a.minimum_at = b.minimum_at;
    }
    if (b.maximum_at >= 0 && (a.maximum_at < 0 || b.maximum > a.maximum)) {
        a.maximum = b.maximum;
        a.maximum_at = b.maximum_at;
    }
}

void add(Table& a, const Table& b) {
    const auto numbers = static_cast<std::size_t>(3 * a.rank);
    for (std::size_t r = 0; r < a.regions.size(); ++r) {
        if (b.regions[r].count == 0) continue;
        for (std::size_t i = r * numbers; i < (r + 1) * numbers; i += 3) {
            const bool fresh = a.regions[r].count == 0;
            a.places[i] = fresh ? b.places[i] : std::min(a.places[i], b.places[i]);
            a.places[i + 1] = fresh ? b.places[i + 1] : std::max(a.places[i + 1], b.places[i + 1]);
            a.places[i + 2] += b.places[i + 2];
        }
        add(a.regions[r], b.regions[r]);
    }
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern::cpu {

regions::Table regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image, std::int64_t lowest,
                       std::int64_t count, const Exec& exec) {
    const int rank = labels.rank;
    regions::Table result = regions::empty_table(count, rank);
    if (labels.size() == 0 || count == 0) return result;
    const std::int64_t width = labels.shape[rank - 1];
    const std::int64_t rows = labels.size() / width;
    const std::int64_t chunks = regions::chunks_of(labels.size(), rows, count, rank);
    std::vector<regions::Table> tables(static_cast<std::size_t>(chunks));
    parallel_for(chunks, limited_to_work(exec, labels.size()), [&](std::int64_t chunk) {
        regions::Table& table = tables[static_cast<std::size_t>(chunk)] = regions::empty_table(count, rank);
        Workspace memory(Workspace::bytes_of<std::int64_t>({width}) + Workspace::bytes_of<double>({width}));
        std::int64_t* const scratch = memory.take<std::int64_t>(width);
        double* const samples = memory.take<double>(width);
        std::int64_t index[kMaxRank];
        regions::Row row;
        row.labels_dtype = labels.dtype;
        row.labels_stride = labels.strides[rank - 1];
        row.n = width;
        row.index = index;
        row.rank = rank;
        row.lowest = lowest;
        row.count = count;
        for (std::int64_t r = chunk * rows / chunks; r < (chunk + 1) * rows / chunks; ++r) {
            unravel(r, rank - 1, labels.shape, index);
            std::int64_t labels_at = 0;
            std::int64_t image_at = 0;
            for (int a = 0; a < rank - 1; ++a) {
                labels_at += index[a] * labels.strides[a];
                if (image) image_at += index[a] * image->strides[a];
            }
            row.position = r * width;
            row.labels = labels.at(labels_at);
            if (image) {
                row.image_dtype = image->dtype;
                row.image = image->at(image_at);
                row.image_stride = image->strides[rank - 1];
            }
            regions::active_ops().add(row, scratch, samples, table.regions.data(), table.places.data());
        }
    });
    for (const regions::Table& table : tables) regions::add(result, table);
    return result;
}

}  // namespace voxkern::cpu
