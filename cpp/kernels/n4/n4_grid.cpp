// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "kernels/n4/n4_read.hpp"

namespace voxkern::n4 {
namespace {

// A table of logarithms pays from about as many voxels as it has entries.
constexpr std::int64_t kTableSize = 65536;

// Logarithms of every value of an 8- or 16-bit integer type, by value - lowest.
std::vector<float> log_table(DType dtype, std::int64_t voxels) {
    const bool narrow = exact_in_f32(dtype) && !is_float(dtype);
    std::vector<float> table;
    if (!narrow || voxels < kTableSize) return table;
    const std::int64_t highest = dtype == DType::u8    ? 255
                                 : dtype == DType::i8  ? 127
                                 : dtype == DType::u16 ? 65535
                                                       : 32767;
    table.push_back(0.0F);
    for (std::int64_t v = 1; v <= highest; ++v) table.push_back(std::log(static_cast<float>(v)));
    return table;
}

struct Sources {
    ConstArrayView image;
    const ConstArrayView* mask;
    const ConstArrayView* weights;
    const Options& options;
    std::vector<float> logs;
};

// Part of an axis, from begin to end.
struct Span {
    std::int64_t begin;
    std::int64_t end;

    std::int64_t size() const { return end - begin; }
    void include(std::int64_t first, std::int64_t last) {
        begin = std::min(begin, first);
        end = std::max(end, last + 1);
    }
};

// Reads rows of `columns`: what takes part, its logarithm, its weight.
struct RowReader {
    const Sources& from;
    const MemoryOrder& order;
    Span columns;
    ReadRow<float> image;
    ReadRow<double> mask;
    ReadRow<float> weight;
    std::vector<double> labels;
    std::vector<float> weights;
    std::vector<std::uint8_t> inside;

    RowReader(const Sources& sources, const MemoryOrder& memory_order, Span span)
        : from(sources),
          order(memory_order),
          columns(span),
          image(reader_of<float>(sources.image.dtype)),
          mask(sources.mask != nullptr ? reader_of<double>(sources.mask->dtype) : nullptr),
          weight(sources.weights != nullptr ? reader_of<float>(sources.weights->dtype) : nullptr),
          labels(static_cast<std::size_t>(span.size())),
          weights(labels.size()),
          inside(labels.size()) {}

    template <class To>
    void read_row(ReadRow<To> reader, const ConstArrayView& view, std::int64_t plane, std::int64_t row, To* to) const {
        const std::int64_t step = column_step(view, order);
        const auto* const start = static_cast<const char*>(row_of(view, order, plane, row));
        reader(start + columns.begin * step * size_of(view.dtype), step, to, columns.size());
    }

    // What mask and weights say; returns how many weights are not allowed.
    std::int64_t read_inside(std::int64_t plane, std::int64_t row) {
        std::fill(inside.begin(), inside.end(), std::uint8_t{1});
        if (from.mask != nullptr) {
            read_row(mask, *from.mask, plane, row, labels.data());
            const std::optional<double>& label = from.options.mask_label;
            for (std::size_t i = 0; i < inside.size(); ++i) {
                inside[i] = label ? labels[i] == *label : labels[i] != 0.0;
            }
        }
        std::int64_t bad = 0;
        if (from.weights != nullptr) {
            read_row(weight, *from.weights, plane, row, weights.data());
            for (std::size_t i = 0; i < inside.size(); ++i) {
                bad += !(weights[i] >= 0.0F && weights[i] <= std::numeric_limits<float>::max());
                inside[i] = inside[i] != 0 && weights[i] > 0.0F;
            }
        }
        return bad;
    }

    void read(std::int64_t plane, std::int64_t row, float* values, Counts& counts) {
        read_inside(plane, row);
        read_row(image, from.image, plane, row, values);
        for (std::size_t i = 0; i < inside.size(); ++i) {
            if (inside[i] == 0) {
                values[i] = 0.0F;
                continue;
            }
            const float value = values[i];
            if (value > 0.0F) {
                values[i] = from.logs.empty() ? std::log(value) : from.logs[static_cast<std::size_t>(value)];
            } else {
                ++counts.not_positive;
                if (!from.options.itk) {
                    inside[i] = 0;
                    values[i] = 0.0F;
                }
            }
            counts.not_finite += !std::isfinite(value);
            counts.voxels += inside[i];
        }
    }
};

// Bounding box of what mask and weights leave: the field elsewhere follows from the fit.
struct Box {
    Span planes;
    Span rows;
    Span columns;
};

Box bounding_box(const Sources& sources, const MemoryOrder& order, const Exec& exec) {
    const Box whole = {{0, length_along(sources.image, order.plane)},
                       {0, length_along(sources.image, order.row)},
                       {0, length_along(sources.image, order.column)}};
    if (sources.mask == nullptr && sources.weights == nullptr) return whole;
    const auto planes = static_cast<std::size_t>(whole.planes.size());
    const Box nothing = {{whole.planes.end, 0}, {whole.rows.end, 0}, {whole.columns.end, 0}};
    std::vector<Box> boxes(planes, nothing);
    std::vector<std::int64_t> bad(planes, 0);
    parallel_for(whole.planes.size(), exec, [&](std::int64_t plane) {
        RowReader reader(sources, order, whole.columns);
        Box& box = boxes[static_cast<std::size_t>(plane)];
        for (std::int64_t row = 0; row < whole.rows.end; ++row) {
            bad[static_cast<std::size_t>(plane)] += reader.read_inside(plane, row);
            const auto first = std::find_if(reader.inside.begin(), reader.inside.end(), [](auto v) { return v != 0; });
            if (first == reader.inside.end()) continue;
            const auto last = std::find_if(reader.inside.rbegin(), reader.inside.rend(), [](auto v) { return v != 0; });
            box.planes.include(plane, plane);
            box.rows.include(row, row);
            box.columns.include(first - reader.inside.begin(), reader.inside.rend() - last - 1);
        }
    });
    check_weights(std::accumulate(bad.begin(), bad.end(), std::int64_t{0}));
    Box box = nothing;
    for (const Box& b : boxes) {
        if (b.planes.size() <= 0) continue;
        box.planes.include(b.planes.begin, b.planes.end - 1);
        box.rows.include(b.rows.begin, b.rows.end - 1);
        box.columns.include(b.columns.begin, b.columns.end - 1);
    }
    check_mask(box.planes.size() > 0);
    return box;
}

// Notes which samples of a row take part, block by block.
void mark_row(const Grid& grid, std::int64_t row, const std::vector<std::uint8_t>& inside) {
    grid.first_block[row] = static_cast<std::int32_t>(grid.blocks);
    grid.end_block[row] = 0;
    for (std::int64_t b = 0; b < grid.blocks; ++b) {
        unsigned lanes = 0;
        const std::int64_t n = std::min(kBlock, grid.columns - b * kBlock);
        for (std::int64_t l = 0; l < n; ++l) {
            lanes |= static_cast<unsigned>(inside[static_cast<std::size_t>(b * kBlock + l)]) << l;
        }
        grid.lanes[row * grid.blocks + b] = static_cast<std::uint16_t>(lanes);
        if (lanes == 0) continue;
        grid.first_block[row] = std::min(grid.first_block[row], static_cast<std::int32_t>(b));
        grid.end_block[row] = static_cast<std::int32_t>(b + 1);
    }
}

// Memory is a Workspace, or the WorkspaceSize it is made of.
template <class Memory>
void take_index(Memory& memory, Grid& grid) {
    const std::int64_t rows = grid.planes * grid.rows;
    grid.first_block = memory.template take<std::int32_t>(rows);
    grid.end_block = memory.template take<std::int32_t>(rows);
    grid.row_low = memory.template take<float>(rows);
    grid.row_high = memory.template take<float>(rows);
    grid.lanes = memory.template take<std::uint16_t>(rows * grid.blocks);
    grid.last_row = memory.template take<float>(grid.blocks * kBlock);
}

}  // namespace

void Image::take_memory(bool weighted, const Lent& scratch) {
    WorkspaceSize size;
    take_index(size, grid_);
    index_ = std::make_unique<Workspace>(size.bytes());
    take_index(*index_, grid_);
    const std::int64_t floats = grid_.planes * grid_.rows * grid_.pitch;
    // Narrow rows: blocks of several rows at the end would leave lent memory, not just the last one's.
    const bool lent = scratch.data != nullptr && scratch.floats >= floats && grid_.columns >= kBlock;
    const std::int64_t part = Workspace::padded((floats + kBlock) * 4);
    values_ = std::make_unique<Workspace>((lent ? 0 : part) + (weighted ? part : 0));
    grid_.log_image = lent ? scratch.data : values_->take<float>(floats + kBlock);
    if (weighted) {
        grid_.weights = values_->take<float>(floats + kBlock);
        std::fill(grid_.weights + floats, grid_.weights + floats + kBlock, 0.0F);
    }
}

Image::Image(const Samples& samples, const Lent& scratch, const Options& options, const Exec& exec)
    : order_(memory_order(samples.image)) {
    const ConstArrayView* const weights = samples.weights;
    const Sources sources{samples.image, samples.mask, weights, options,
                          log_table(samples.image.dtype, samples.image.size())};
    const Box box = bounding_box(sources, order_, exec);
    origin_[0] = box.planes.begin;
    origin_[1] = box.rows.begin;
    origin_[2] = box.columns.begin;
    grid_.planes = box.planes.size();
    grid_.rows = box.rows.size();
    grid_.columns = box.columns.size();
    grid_.pitch = grid_.columns;
    grid_.blocks = (grid_.columns + kBlock - 1) / kBlock;
    take_memory(weights != nullptr, scratch);
    std::vector<Counts> per_plane(static_cast<std::size_t>(grid_.planes));
    parallel_for(grid_.planes, exec, [&](std::int64_t plane) {
        RowReader reader(sources, order_, box.columns);
        Counts counts;
        for (std::int64_t y = 0; y < grid_.rows; ++y) {
            const std::int64_t row = plane * grid_.rows + y;
            float* const values = grid_.log_image + row * grid_.pitch;
            reader.read(box.planes.begin + plane, box.rows.begin + y, values, counts);
            if (weights != nullptr) {
                std::copy(reader.weights.begin(), reader.weights.end(), grid_.weights + row * grid_.pitch);
            }
            mark_row(grid_, row, reader.inside);
            grid_.row_low[row] = -std::numeric_limits<float>::infinity();  // not known yet
            grid_.row_high[row] = std::numeric_limits<float>::infinity();
        }
        per_plane[static_cast<std::size_t>(plane)] = counts;
    });
    const float* const last = grid_.log_image + (grid_.planes * grid_.rows - 1) * grid_.pitch;
    std::fill(std::copy(last, last + grid_.columns, grid_.last_row), grid_.last_row + grid_.blocks * kBlock, 0.0F);
    Counts all;
    for (const Counts& counts : per_plane) {
        all.voxels += counts.voxels;
        all.not_positive += counts.not_positive;
        all.not_finite += counts.not_finite;
    }
    check_voxels(all, options.itk);
    voxels_ = all.voxels;
    not_positive_ = all.not_positive;
    if (options.itk) skip_first_voxel();
}

void Image::skip_first_voxel() {
    grid_.first_row = 0;
    while (grid_.end_block[grid_.first_row] == 0) ++grid_.first_row;
    const std::int64_t block = grid_.first_block[grid_.first_row];
    const unsigned lanes = grid_.lanes[grid_.first_row * grid_.blocks + block];
    grid_.first_column = block * kBlock;
    while ((lanes >> (grid_.first_column - block * kBlock) & 1U) == 0) ++grid_.first_column;
}

}  // namespace voxkern::n4
