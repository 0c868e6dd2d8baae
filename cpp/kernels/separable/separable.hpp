// SPDX-License-Identifier: Apache-2.0
// Several products of filters along axes, of one image, combined at each voxel in one sweep; see README.md in this
// folder.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "kernels/correlate1d/correlate1d.hpp"

namespace voxkern::separable {

// Filters along different axes, applied one after the other; axes without one stay as they are.
using Term = std::vector<correlate1d::AxisFilter>;

// What becomes of the values t of the terms at a voxel.
enum class Combine {
    sum,          // t[0] + t[1] + ...
    magnitude,    // sqrt(t[0]^2 + t[1]^2 + ...)
    eigenvalues,  // of the symmetric matrix whose upper triangle t is, row by row: 3 terms or 6; ascending
    vesselness,   // Frangi's, of those eigenvalues
    norm,         // nothing is written: the largest Frobenius norm of that matrix is returned
};

struct Options {
    Combine combine = Combine::sum;
    double cval = 0.0;
    // for vesselness
    double alpha = 0.5;
    double beta = 0.5;
    double gamma = 1.0;        // NaN: so are all results
    bool bright = true;        // tubes are brighter than what is around them
    bool keep_larger = false;  // what `out` holds stays where it is larger
};

}  // namespace voxkern::separable

namespace voxkern::cpu {

// `out` has the axes of `in` and one more, the last: the results of a voxel (2 or 3 eigenvalues, else 1). It is float32
// or float64 and does not overlap `in`. All filters of an axis have one mode; no more than three axes have filters.
// Returns 0, but for Combine::norm.
double separable(const ConstArrayView& in, const ArrayView& out, const std::vector<separable::Term>& terms,
                 const separable::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`, but for Combine::norm. `gamma` may be 0: half of the largest
// norm (NaN where that is not finite), which never leaves the device. Slabs of the image take so much scratch memory
// that it stays in L2. Sums and magnitudes may also be of any dtype, of filters along more axes, and of several modes
// along one: term by term.
void separable(const ConstArrayView& in, const ArrayView& out, const std::vector<separable::Term>& terms,
               const separable::Options& options, const Exec& exec,
               std::int64_t scratch_bytes = std::int64_t{32} << 20);

}  // namespace voxkern::cuda
