// SPDX-License-Identifier: Apache-2.0
// Releasing and taking the GIL on threads that may outlive the interpreter.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>
#include <utility>

namespace voxkern::bindings {

// Calls a function of Python's C API. Before Python 3.14 it ends a daemon thread of an ending interpreter by
// pthread_exit, and glibc unwinds the thread's C++ frames: a noexcept one aborts the process, destructors touch Python
// without the GIL. Such a thread sleeps here until the process is gone, as Python 3.14 has it. No check in advance
// could do that: the interpreter may begin to end right after it.
template <class F>
auto call_python(const F& function) noexcept {
    try {
        return function();
    } catch (...) {  // C code throws nothing: this is the unwinding
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

// What a thread gave up in GilReleased and needs to take the GIL again.
inline thread_local PyThreadState* released_state = nullptr;

// The GIL is free in this scope.
class GilReleased {
  public:
    GilReleased() : outer_(std::exchange(released_state, PyEval_SaveThread())) {}
    ~GilReleased() {
        PyThreadState* const state = std::exchange(released_state, outer_);
        call_python([state] { PyEval_RestoreThread(state); });
    }
    GilReleased(const GilReleased&) = delete;
    GilReleased& operator=(const GilReleased&) = delete;

  private:
    PyThreadState* const outer_;
};

// The GIL is held in this scope, within that of a GilReleased of the same thread. PyGILState_Ensure would look for the
// thread's state in an interpreter that may be gone.
class GilHeld {
  public:
    GilHeld() {
        call_python([] { PyEval_RestoreThread(released_state); });
    }
    ~GilHeld() { PyEval_SaveThread(); }
    GilHeld(const GilHeld&) = delete;
    GilHeld& operator=(const GilHeld&) = delete;
};

}  // namespace voxkern::bindings
