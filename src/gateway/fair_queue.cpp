#include "gateway/fair_queue.hpp"

#include <algorithm>

namespace segue::gateway {

FairQueue::PushResult FairQueue::push(Entry entry) {
    PushResult result;
    if (size() >= capacity_) {
        Ticket displaced = 0;
        if (!make_room(entry, displaced)) return result;
        result.displaced = displaced;
    }
    const auto lane = static_cast<std::size_t>(entry.priority);
    Flow& flow = flows_[std::move(entry.key)];
    if (flow.empty()) flow.served = std::max(flow.served, floor_);
    flow.lanes[lane].push_back({entry.ticket, entry.deadline});
    ++waiting_[lane];
    result.pushed = Pushed::kQueued;
    return result;
}

bool FairQueue::make_room(const Entry& entry, Ticket& displaced) {
    const auto own_lane = static_cast<std::size_t>(entry.priority);
    const auto own = flows_.find(entry.key);
    // From the least important class up to the newcomer's own.
    for (std::size_t lane = waiting_.size(); lane-- > own_lane;) {
        const auto longest =
            std::max_element(flows_.begin(), flows_.end(), [lane](const auto& a, const auto& b) {
                return a.second.lanes[lane].size() < b.second.lanes[lane].size();
            });
        if (longest == flows_.end()) return false;
        auto& waiting = longest->second.lanes[lane];
        const std::size_t mine = own == flows_.end() ? 0 : own->second.lanes[lane].size();
        // In its own class a newcomer must come out with no more than the other keeps.
        if (waiting.empty() || (lane == own_lane && waiting.size() < mine + 2)) continue;
        displaced = waiting.back().ticket;
        waiting.pop_back();
        --waiting_[lane];
        return true;
    }
    return false;
}

FairQueue::Popped FairQueue::pop(double cost, TimePoint now) {
    Popped popped;
    for (std::size_t lane = 0; lane < waiting_.size(); ++lane) {
        while (waiting_[lane] > 0) {
            Flow* least = nullptr;
            for (auto& [key, flow] : flows_)
                if (!flow.lanes[lane].empty() &&
                    (!least || flow.served < least->served ||
                     (flow.served == least->served &&
                      flow.lanes[lane].front().ticket < least->lanes[lane].front().ticket)))
                    least = &flow;
            const Waiting first = least->lanes[lane].front();
            least->lanes[lane].pop_front();
            const bool in_time = first.deadline > now;
            if (in_time) {
                floor_ = std::max(floor_, least->served);
                least->served += cost;
            }
            removed(lane);
            if (in_time) {
                popped.next = first.ticket;
                return popped;
            }
            popped.expired.push_back(first.ticket);
        }
    }
    return popped;
}

bool FairQueue::erase(Ticket ticket) {
    for (auto& [key, flow] : flows_)
        for (std::size_t lane = 0; lane < flow.lanes.size(); ++lane) {
            auto& waiting = flow.lanes[lane];
            const auto found =
                std::find_if(waiting.begin(), waiting.end(),
                             [&](const Waiting& one) { return one.ticket == ticket; });
            if (found == waiting.end()) continue;
            waiting.erase(found);
            removed(lane);
            return true;
        }
    return false;
}

void FairQueue::charge(std::string_view key, double cost) {
    if (const auto flow = flows_.find(key); flow != flows_.end()) flow->second.served += cost;
}

/// The race is over when nobody waits: everybody begins anew. Until then a key that owes more than
/// the others stays known.
void FairQueue::removed(std::size_t lane) {
    --waiting_[lane];
    if (size() == 0) {
        flows_.clear();
        floor_ = 0;
        return;
    }
    std::erase_if(flows_, [&](const auto& entry) {
        return entry.second.empty() && entry.second.served <= floor_;
    });
}

}  // namespace segue::gateway
