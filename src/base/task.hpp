/// A call that is made later. Like std::function<void()>, but what it holds need not be copyable
/// and lies inside the object unless it is large: std::function takes memory for everything that is
/// not trivial to copy, a shared_ptr among it, and a request defers several calls.
///
/// Thread: as what it holds. An empty task must not be called.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace segue {

class Task {
public:
    Task() = default;
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, Task> &&
                 std::invocable<std::remove_cvref_t<F>&>)
    Task(F&& call) {  // NOLINT(google-explicit-constructor): a lambda is given where a task is
                      // wanted
        using Held = std::remove_cvref_t<F>;
        if constexpr (kFits<Held>) {
            ::new (static_cast<void*>(room_)) Held(std::forward<F>(call));
            kind_ = &kInside<Held>;
        } else {
            ::new (static_cast<void*>(room_)) Held*(new Held(std::forward<F>(call)));
            kind_ = &kOutside<Held>;
        }
    }
    Task(Task&& other) noexcept { take(other); }
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~Task() { reset(); }

    void operator()() { kind_->call(room_); }
    explicit operator bool() const { return kind_ != nullptr; }

private:
    struct Kind {
        void (*call)(void* held);
        void (*move)(void* from, void* to);  // leaves nothing behind
        void (*destroy)(void* held);
    };
    // The loop, a weak_ptr and a handle.
    static constexpr std::size_t kRoom = 40;
    template <class Held>
    static constexpr bool kFits = sizeof(Held) <= kRoom && alignof(Held) <= alignof(void*) &&
                                  std::is_nothrow_move_constructible_v<Held>;
    template <class Held>
    static constexpr Kind kInside{[](void* held) { (*static_cast<Held*>(held))(); },
                                  [](void* from, void* to) {
                                      ::new (to) Held(std::move(*static_cast<Held*>(from)));
                                      static_cast<Held*>(from)->~Held();
                                  },
                                  [](void* held) { static_cast<Held*>(held)->~Held(); }};
    template <class Held>
    static constexpr Kind kOutside{
        [](void* held) { (**static_cast<Held**>(held))(); },
        [](void* from, void* to) { ::new (to) Held*(*static_cast<Held**>(from)); },
        [](void* held) { delete *static_cast<Held**>(held); }};

    void take(Task& other) noexcept {
        kind_ = std::exchange(other.kind_, nullptr);
        if (kind_ != nullptr) kind_->move(other.room_, room_);
    }
    void reset() noexcept {
        // Empty before what it held goes: that may come back here.
        if (const Kind* kind = std::exchange(kind_, nullptr)) kind->destroy(room_);
    }

    alignas(void*) std::byte room_[kRoom];
    const Kind* kind_ = nullptr;
};

}  // namespace segue
