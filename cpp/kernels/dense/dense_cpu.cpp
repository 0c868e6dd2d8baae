// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "core/axes.hpp"
#include "core/tiles.hpp"
#include "kernels/dense/dense.hpp"
#include "kernels/dense/dense_plan.hpp"
#include "kernels/dense/dense_task.hpp"

namespace voxkern::dense {
namespace {

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

std::int64_t blocks(std::int64_t n, std::int64_t size) {
    return (n + size - 1) / size;
}

// out (M, N) = in (M, K) weight (N, K)^T + bias. `rows` are the leading axes of in and out.
struct Product {
    const ConstArrayView& in;
    const ArrayView& out;
    Matrix weight;
    Axes<2> rows;
    std::int64_t m, n, k;
    const float* bias;  // one per column, and zeros up to a whole tile

    const float* source() const { return static_cast<const float*>(in.data); }
    float* target() const { return static_cast<float*>(out.data); }
    std::int64_t in_stride() const { return in.strides[in.rank - 1]; }
    std::int64_t out_stride() const { return out.strides[out.rank - 1]; }
};

Product product_of(const ConstArrayView& in, const ConstArrayView& weight, const ArrayView& out, const float* bias) {
    Product product = {in,
                       out,
                       {static_cast<const float*>(weight.data), weight.strides[0], weight.strides[1]},
                       {},
                       1,
                       weight.shape[0],
                       weight.shape[1],
                       bias};
    for (int a = 0; a < in.rank - 1; ++a) {
        product.m *= in.shape[a];
        if (in.shape[a] != 1) product.rows.push(in.shape[a], {in.strides[a], out.strides[a]});
    }
    product.rows.merge();
    return product;
}

// A few rows: the weights are read once, in place.
void multiply_few_rows(const Product& p, const Ops& ops, const Exec& exec) {
    constexpr std::int64_t kChunk = std::int64_t{1} << 16;  // weights
    Workspace workspace(Workspace::bytes_of<float>({p.m * p.k}));
    float* const rows = workspace.take<float>(p.m * p.k);
    for (std::int64_t i = 0; i < p.m; ++i) {
        const float* const from = p.source() + p.rows.at(i)[0];
        for (std::int64_t t = 0; t < p.k; ++t) rows[i * p.k + t] = from[t * p.in_stride()];
    }
    const std::int64_t group = std::max<std::int64_t>(kChunk / p.k, 1);
    parallel_for(blocks(p.n, group), exec, [&](std::int64_t chunk) {
        const std::int64_t end = std::min((chunk + 1) * group, p.n);
        for (std::int64_t j = chunk * group; j < end; ++j) {
            const float* const weights = p.weight.data + j * p.weight.row_stride;
            for (std::int64_t i = 0; i < p.m; ++i) {
                float* const to = p.target() + p.rows.at(i)[1] + j * p.out_stride();
                *to = p.bias[j] + ops.dot(rows + i * p.k, weights, p.k);
            }
        }
    });
}

// Terms [depth, depth + terms) of a tile's weights as it reads them: [term][columns of the tile].
void pack_weight(const Product& p, const Ops& ops, std::int64_t column, std::int64_t depth, std::int64_t terms,
                 float* packed) {
    const Matrix& all = p.weight;
    const Matrix rows = {all.data + column * all.row_stride + depth * all.column_stride, all.row_stride,
                         all.column_stride};
    ops.pack_weight(rows, std::min(ops.tile.columns, p.n - column), terms, packed);
}

// The part of a block that one step works on, and where its rows begin.
struct Part {
    std::int64_t first_row;
    std::int64_t count;  // of rows
    std::int64_t depth;  // first term
    std::int64_t terms;
    std::int64_t in_at[kRowBlock];
    std::int64_t out_at[kRowBlock];
};

// One tile: straight into the output where all of it lies there side by side, else by way of a buffer.
void multiply_tile(const Product& p, const Ops& ops, const Part& part, const float* rows, const float* weights,
                   std::int64_t row, std::int64_t column) {
    static constexpr std::int64_t kAtStart[kMostRows] = {};
    const Tile tile = ops.tile;
    const std::int64_t n_rows = std::min(tile.rows, part.count - row);
    const std::int64_t n_columns = std::min(tile.columns, p.n - column);
    const std::int64_t stride = p.out_stride();
    const bool first = part.depth == 0;
    float* const to = p.target() + column * stride;
    const std::int64_t* const to_at = part.out_at + row;
    if (stride == 1 && n_rows == tile.rows && n_columns == tile.columns) {
        ops.multiply(rows, weights, part.terms, first ? p.bias + column : to, first ? kAtStart : to_at, to, to_at);
        return;
    }
    alignas(64) float buffer[kMostRows * kMostColumns] = {};
    std::int64_t at[kMostRows];
    for (std::int64_t i = 0; i < tile.rows; ++i) at[i] = i * tile.columns;
    for (std::int64_t i = 0; i < n_rows && !first; ++i) {
        for (std::int64_t j = 0; j < n_columns; ++j) buffer[at[i] + j] = to[to_at[i] + j * stride];
    }
    ops.multiply(rows, weights, part.terms, first ? p.bias + column : buffer, first ? kAtStart : at, buffer, at);
    for (std::int64_t i = 0; i < n_rows; ++i) {
        for (std::int64_t j = 0; j < n_columns; ++j) to[to_at[i] + j * stride] = buffer[at[i] + j];
    }
}

// What the chunks of a product share, and the scratch of one.
struct Packed {
    const float* weights;  // of all tiles, one after another; null: a chunk packs what it needs
    float* part;           // weights of a tile, kDepth terms
    float* rows;           // kRowBlock rows of the input, kDepth terms
};

// Rows from first_row on, by columns [first, end).
void multiply_block(const Product& p, const Ops& ops, std::int64_t first_row, std::int64_t first, std::int64_t end,
                    const Packed& packed) {
    Part part = {};
    part.count = std::min(kRowBlock, p.m - first_row);
    for (std::int64_t i = 0; i < part.count; ++i) {
        const Axes<2>::Offsets at = p.rows.at(first_row + i);
        part.in_at[i] = at[0];
        part.out_at[i] = at[1];
    }
    do {
        part.terms = std::min(kDepth, p.k - part.depth);
        const float* const source = p.source() + part.depth * p.in_stride();
        for (std::int64_t row = 0; row < part.count; row += ops.tile.rows) {
            const std::int64_t n = std::min(ops.tile.rows, part.count - row);
            ops.pack_rows(source, part.in_at + row, p.in_stride(), n, part.terms, packed.rows + row * part.terms);
        }
        for (std::int64_t column = first; column < end; column += ops.tile.columns) {
            const float* weights = packed.part;
            if (packed.weights != nullptr) {
                weights = packed.weights + column * p.k + part.depth * ops.tile.columns;
            } else {
                pack_weight(p, ops, column, part.depth, part.terms, packed.part);
            }
            for (std::int64_t row = 0; row < part.count; row += ops.tile.rows) {
                multiply_tile(p, ops, part, packed.rows + row * part.terms, weights, row, column);
            }
        }
        part.depth += part.terms;
    } while (part.depth < p.k);
}

// Weights that several blocks of rows need are packed once.
void multiply(const Product& p, const Ops& ops, const Exec& exec) {
    const std::int64_t tiles = blocks(p.n, ops.tile.columns);
    const std::int64_t size = p.m > kRowBlock ? tiles * ops.tile.columns * p.k : 0;
    Workspace workspace(Workspace::bytes_of<float>({size}));
    float* const weights = workspace.take<float>(size);
    if (size > 0) {
        parallel_for(tiles, exec, [&](std::int64_t tile) {
            const std::int64_t column = tile * ops.tile.columns;
            pack_weight(p, ops, column, 0, p.k, weights + column * p.k);
        });
    }
    const std::int64_t columns = column_block(p.m);
    const std::int64_t across = blocks(p.n, columns);
    parallel_for(blocks(p.m, kRowBlock) * across, exec, [&](std::int64_t chunk) {
        const std::int64_t part_size = kDepth * ops.tile.columns;
        Workspace scratch(Workspace::bytes_of<float>({part_size, kRowBlock * kDepth}));
        float* const part = scratch.take<float>(part_size);
        const Packed packed = {size > 0 ? weights : nullptr, part, scratch.take<float>(kRowBlock * kDepth)};
        const std::int64_t first = chunk % across * columns;
        multiply_block(p, ops, chunk / across * kRowBlock, first, std::min(first + columns, p.n), packed);
    });
}

// Runs one of the functions of lines on all tiles.
template <class Function>
void run_lines(const Lines& lines, const Function& function, const Exec& exec) {
    const std::int64_t size = lines.length * lines.tile_lanes;
    const std::int64_t rows = std::max(lines.transposed ? size : 0, 2 * lines.tile_lanes);  // the latter: argmax
    for_tiles(lines, exec, Workspace::bytes_of<float>({size, rows}), [&](Workspace& workspace, std::int64_t /*chunk*/) {
        float* const tile = workspace.take<float>(size);
        float* const buffer = workspace.take<float>(rows);
        return [&lines, &function, tile, buffer](const TilePosition& at) { function(lines, at, tile, buffer); };
    });
}

}  // namespace
}  // namespace voxkern::dense

namespace voxkern::cpu {

void dense(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias, const ArrayView& out,
           const Exec& exec) {
    if (out.size() == 0) return;
    const dense::Ops& ops = dense::active_ops();
    std::vector<float> start(static_cast<std::size_t>(weight.shape[0] + ops.tile.columns));
    for (std::int64_t j = 0; bias.data != nullptr && j < weight.shape[0]; ++j) {
        start[static_cast<std::size_t>(j)] = *static_cast<const float*>(bias.at(j * bias.strides[0]));
    }
    const dense::Product product = dense::product_of(in, weight, out, start.data());
    const std::int64_t work = product.m * product.n * product.k / 8 + product.n * product.k;
    const Exec limited = limited_to_work(flushing_subnormals(exec), work);
    if (product.m <= dense::kFewRows && product.weight.column_stride == 1 && product.k > 0) {
        dense::multiply_few_rows(product, ops, limited);
    } else {
        dense::multiply(product, ops, limited);
    }
}

std::int64_t fma_loop(std::int64_t steps) {
    return dense::active_ops().fma_loop(steps);
}

void softmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec) {
    constexpr std::int64_t kShare = 16;  // of what a tile may take: it is read three times and shall fit L1
    if (out.size() == 0) return;
    const Lines lines = make_lines(in, out, axis, sizeof(float), kShare * in.shape[axis]);
    const Exec limited = limited_to_work(flushing_subnormals(exec), 2 * out.size());
    dense::run_lines(lines, dense::active_ops().softmax, limited);
}

void argmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec) {
    if (out.size() == 0) return;
    ArrayView single =
        out;  // a tile has lines as they lie in the input: the axis has no place of its own in the output
    single.strides[axis] = in.strides[axis] == 1 ? 0 : in.size();
    const Lines lines = make_lines(in, single, axis, sizeof(float), in.shape[axis]);
    dense::run_lines(lines, dense::active_ops().argmax, limited_to_work(exec, in.size()));
}

}  // namespace voxkern::cpu
