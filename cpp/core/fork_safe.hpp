// SPDX-License-Identifier: Apache-2.0
// One shared object of the process that a forked child forgets: a thread of the parent may have held its mutex at
// the fork, and its own threads do not exist in the child. The old object is leaked on purpose.
#pragma once

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace voxkern {

// Calls `function` in every child after a fork. Registered at load time: a lazy registration could itself be
// under way in another thread when the fork comes.
inline int after_fork_in_child(void (*function)()) {
#if defined(__unix__) || defined(__APPLE__)
    return pthread_atfork(nullptr, nullptr, function);
#else
    static_cast<void>(function);
    return 0;
#endif
}

template <class T>
class ForkSafe {
  public:
    // The object, made when it is first asked for.
    T& get() {
        T* existing = current_.load();
        if (existing == nullptr) {
            auto* fresh = new T;
            if (current_.compare_exchange_strong(existing, fresh)) return *fresh;
            delete fresh;
        }
        return *existing;
    }

    void forget() { current_.store(nullptr); }

  private:
    std::atomic<T*> current_{nullptr};
};

}  // namespace voxkern
