/// Per-choice state of a filter: choices are few and counted from 0, but an engine may name any
/// number.
#pragma once

#include <cstdint>
#include <map>

namespace segue::llm {

template <class State>
class PerChoice {
public:
    explicit PerChoice(State initial = {}) : initial_(initial) {}
    State& operator[](std::uint32_t choice) {
        return states_.try_emplace(choice, initial_).first->second;
    }
    auto begin() { return states_.begin(); }
    auto end() { return states_.end(); }

private:
    State initial_;
    std::map<std::uint32_t, State> states_;
};

}  // namespace segue::llm
