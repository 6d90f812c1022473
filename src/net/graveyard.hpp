/// Where objects that have ended wait until nobody stands inside them any more.
///
/// Thread: the loop's. Keeps its room: objects end with every request.
#pragma once

#include <utility>
#include <vector>

namespace segue::net {

template <class Pointer>
class Graveyard {
public:
    void add(Pointer dead) { dead_.push_back(std::move(dead)); }
    void clear() {
        // What goes may send others here.
        std::vector<Pointer> going;
        going.swap(dead_);
        going.clear();
        if (dead_.empty()) dead_.swap(going);
    }

private:
    std::vector<Pointer> dead_;
};

}  // namespace segue::net
