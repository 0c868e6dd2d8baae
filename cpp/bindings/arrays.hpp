// SPDX-License-Identifier: Apache-2.0
// The single place where Python arrays become views: NumPy arrays in _core, CUDA arrays in _cuda. Never
// converts, never copies: a dtype, byte order or alignment the kernels do not read is refused (the Python
// layer has dealt with it).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/view.hpp"
#if defined(VOXKERN_CUDA_MODULE)
#include "bindings/cuda_run.hpp"
#endif

namespace voxkern::bindings {

namespace py = pybind11;

// What both kinds of array say of themselves.
struct Layout {
    py::object dtype;  // as messages name it
    char kind = 'f';   // b bool, u unsigned, i signed, f floating
    bool native = true;
    std::int64_t itemsize = 1;
    std::uintptr_t address = 0;
    bool writable = true;
    int rank = 0;
    std::int64_t shape[kMaxRank] = {};
    std::int64_t strides[kMaxRank] = {};  // in bytes
};

#if defined(VOXKERN_CUDA_MODULE)

// Anything with the CUDA array interface.
using Array = py::object;

inline Layout layout_of(const Array& array, const char* name) {
    if (!py::hasattr(array, "__cuda_array_interface__")) {
        throw InvalidArgument(std::string(name) + ": got no array in GPU memory");
    }
    const py::dict facts = array.attr("__cuda_array_interface__");
    Layout layout;
    layout.dtype = facts["typestr"];
    const auto typestr = layout.dtype.cast<std::string>();
    layout.kind = typestr[1];
    layout.native = typestr[0] != (PY_BIG_ENDIAN ? '<' : '>');
    layout.itemsize = std::stoll(typestr.substr(2));
    const auto data = facts["data"].cast<py::tuple>();
    layout.address = data[0].cast<std::uintptr_t>();
    layout.writable = !data[1].cast<bool>();
    const auto shape = facts["shape"].cast<py::tuple>();
    if (shape.size() > kMaxRank) throw InvalidArgument(std::string(name) + ": got more than 32 axes");
    layout.rank = static_cast<int>(shape.size());
    std::int64_t stride = layout.itemsize;
    for (int a = layout.rank - 1; a >= 0; --a) {  // C order unless strides are given
        layout.shape[a] = shape[static_cast<std::size_t>(a)].cast<std::int64_t>();
        layout.strides[a] = stride;
        stride *= layout.shape[a];
    }
    if (facts.contains("strides") && !facts["strides"].is_none()) {
        const auto strides = facts["strides"].cast<py::tuple>();
        for (int a = 0; a < layout.rank; ++a) {
            layout.strides[a] = strides[static_cast<std::size_t>(a)].cast<std::int64_t>();
        }
    }
    // The stream it was made on; none where nobody has to wait.
    if (facts.contains("stream") && !facts["stream"].is_none()) wait_for_stream(facts["stream"].cast<std::uintptr_t>());
    return layout;
}

#else

using Array = py::array;

inline Layout layout_of(const Array& array, const char* name) {
    const py::dtype dtype = array.dtype();
    const char order = dtype.byteorder();
    Layout layout;
    layout.dtype = dtype;
    layout.kind = dtype.kind();
    layout.native = order == '=' || order == '|' || order == (PY_BIG_ENDIAN ? '>' : '<');
    layout.itemsize = array.itemsize();
    layout.address = reinterpret_cast<std::uintptr_t>(array.data());
    layout.writable = array.writeable();
    if (array.ndim() > kMaxRank) throw InvalidArgument(std::string(name) + ": got more than 32 axes");
    layout.rank = static_cast<int>(array.ndim());
    for (int a = 0; a < layout.rank; ++a) {
        layout.shape[a] = array.shape(a);
        layout.strides[a] = array.strides(a);
    }
    return layout;
}

#endif

inline DType dtype_of(const Layout& layout, const char* name) {
    if (layout.native) {
        if (layout.kind == 'b') return DType::u8;
        const std::int64_t bits = 8 * layout.itemsize;
        const auto is = [&](char kind, std::int64_t width) { return layout.kind == kind && bits == width; };
        if (is('u', 8)) return DType::u8;
        if (is('u', 16)) return DType::u16;
        if (is('u', 32)) return DType::u32;
        if (is('u', 64)) return DType::u64;
        if (is('i', 8)) return DType::i8;
        if (is('i', 16)) return DType::i16;
        if (is('i', 32)) return DType::i32;
        if (is('i', 64)) return DType::i64;
        if (is('f', 16)) return DType::f16;
        if (is('f', 32)) return DType::f32;
        if (is('f', 64)) return DType::f64;
    }
    throw InvalidArgument(std::string(name) + ": got dtype " + py::str(layout.dtype).cast<std::string>() +
                          ", allowed bool, integers, float16, float32 and float64 in native byte order");
}

template <class View>
void describe(const Layout& layout, const char* name, View& view) {
    view.dtype = dtype_of(layout, name);
    view.data = reinterpret_cast<decltype(view.data)>(layout.address);
    view.rank = layout.rank;
    bool aligned = layout.address % static_cast<std::uintptr_t>(layout.itemsize) == 0;
    for (int a = 0; a < view.rank; ++a) {
        view.shape[a] = layout.shape[a];
        view.strides[a] = layout.strides[a] / layout.itemsize;
        if (layout.strides[a] % layout.itemsize != 0 && layout.shape[a] > 1) aligned = false;
    }
    if (!aligned) throw InvalidArgument(std::string(name) + ": got misaligned data or strides, allowed whole elements");
}

inline ConstArrayView view_of(const Array& array, const char* name) {
    ConstArrayView view;
    describe(layout_of(array, name), name, view);
    return view;
}

inline ArrayView writable_view_of(const Array& array, const char* name) {
    const Layout layout = layout_of(array, name);
    if (!layout.writable) throw InvalidArgument(std::string(name) + ": got a read-only array, allowed writable");
    ArrayView view;
    describe(layout, name, view);
    for (int a = 0; a < view.rank; ++a) {
        if (view.strides[a] == 0 && view.shape[a] > 1 && view.size() > 0) {
            throw InvalidArgument(std::string(name) + ": got a broadcast array, allowed distinct elements");
        }
    }
    return view;
}

inline bool same_shape(const ConstArrayView& a, const ArrayView& b) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    return true;
}

}  // namespace voxkern::bindings
