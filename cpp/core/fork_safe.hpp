// SPDX-License-Identifier: Apache-2.0
// What happens to shared objects of the process when it forks. A thread of the parent may hold a mutex at that moment,
// and it does not exist in the child: either the fork waits for it (around_fork), or the child forgets the object
// (ForkSafe), which is then leaked on purpose.
#pragma once

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace voxkern {

// Calls `before` and `in_parent` on either side of every fork, `in_child` in every child. Registered at load time: a
// lazy registration could itself be under way in another thread when the fork comes.
inline int around_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) {
#if defined(__unix__) || defined(__APPLE__)
    return pthread_atfork(before, in_parent, in_child);
#else
    static_cast<void>(before);
    static_cast<void>(in_parent);
    static_cast<void>(in_child);
    return 0;
#endif
}
inline int after_fork_in_child(void (*function)()) {
    return around_fork(nullptr, nullptr, function);
}

// One object that a forked child forgets.

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
