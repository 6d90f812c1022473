/// An answer that is made from passages of documents (a model's name with a collection behind it,
/// `llama3.1:8b@handbook`): what goes into the prompt, and what follows the answer. Whoever finds
/// passages stands far above; here are the two places where they meet a request.
///
/// Thread: immutable once made; one request uses it on one worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llm/bridge.hpp"
#include "llm/chat.hpp"
#include "llm/collection_name.hpp"
#include "llm/session.hpp"

namespace segue::llm {

/// What follows an answer: a list for people, and the same for programs.
struct Closing {
    std::string text;
    std::string sources;  // a JSON array
};

struct Grounding {
    /// Rules and numbered passages: a part of the system prompt.
    std::string passages;
    /// Not "": no engine is asked, this is the whole answer.
    std::string said;
    /// Of the whole text of an answer. Pure.
    std::function<Closing(std::string_view answer)> closing;
    /// What is said where no engine answers; null with `said`.
    std::shared_ptr<const Grounding> without_engine;
};

/// The context's passages, if it has any, become a part of the system prompt.
void add_passages(ChatRequest& request, const BridgeContext& context);

/// The session of a chat at its target, whatever its dialect; with the context's grounding, if it
/// has one. The fronts' way to both engines.
std::unique_ptr<EngineSession> make_chat_session(ChatRequest request, const BridgeContext& context);

/// What stands between a chat's session and the client: thinking, and the grounding's closing. It
/// is no part of the text where the client wants JSON, or where the answer is a tool call.
std::vector<std::unique_ptr<EventFilter>> make_chat_filters(const BridgeContext& context,
                                                            const ChatRequest& request);

}  // namespace segue::llm
