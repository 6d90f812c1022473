/// `llama3.1:8b@handbook`: a model's name with a collection of documents behind it. The question is
/// looked up there, and the answer is made from the passages. What finds them stands above
/// (src/chat), and is handed in by src/serve.
///
/// Thread: find() and listed() on any worker, neither may block. Lifetime: the gateway's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/registry.hpp"
#include "llm/grounding.hpp"

namespace segue::gateway {

struct Wanted {
    std::string model;  // without the collection
    std::string collection;
    std::vector<llm::Message> turns;  // of the chat, the question last
    bool has_key = false;             // who asks has shown an API key; else nobody is asked for one
};

class Retriever {
public:
    virtual ~Retriever() = default;
    using Found = llm::Outcome<std::shared_ptr<const llm::Grounding>>;
    /// `done` is called once, on any thread, at once or later.
    virtual void find(Wanted wanted, std::function<void(Found)> done) = 0;
    /// Collections whose names stand in the lists of models behind each of them.
    virtual std::vector<std::string> listed() = 0;
};

/// Model and collection of such a name, unless a model of the registry's has that very name.
std::optional<llm::CollectionName> collection_in(const engine::Registry& registry,
                                                 std::string_view name);

}  // namespace segue::gateway
