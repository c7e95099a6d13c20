#pragma once

#include <cstddef>
#include <functional>

namespace bulla {

/// Makes the calling thread give way to the others: 10 steps of niceness, a
/// tenth of a core beside a busy event loop. Without effect where the system
/// refuses. There is no way back.
void lower_thread_priority();

/// Runs `work` on a thread of its own of that priority and waits for its end.
/// `work` must not throw. Where the system has no thread to give, the caller's
/// own does it.
void run_at_low_priority(const std::function<void()>& work);

/// Runs `work` on `threads` threads at once, the caller's among them, and waits
/// for all; fewer where the system has no more to give. `work` must not throw.
void run_beside(std::size_t threads, const std::function<void()>& work);

/// The processors that this process may run on; at least 1.
unsigned usable_cores();

}  // namespace bulla
