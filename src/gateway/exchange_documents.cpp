// A request for a model with a collection behind it: its passages are found first.
#include <fmt/format.h>

#include <utility>

#include "gateway/exchange.hpp"

namespace segue::gateway {

using Cause = llm::Failure::Cause;

void Exchange::look_up(std::unique_ptr<llm::FrontRequest> request, engine::Resolution resolution,
                       const llm::CollectionName& name) {
    auto turns = request->turns();
    if (!turns) return refuse(turns.error());
    Retriever* const retriever = worker_.gateway.retriever();
    if (!retriever || inside_)
        return refuse({Cause::kUnsupported,
                       fmt::format("'{}' asks the documents of the collection '{}', and this segue "
                                   "runs without a store; start it without --no-store, or ask for "
                                   "'{}'",
                                   request->model(), name.collection, name.model)});
    // Whatever is asked with it, it is the model that is asked.
    record_.model = name.model;
    record_.listed_model = resolution.listed;
    record_.collection = name.collection;
    if (!let_in()) return;
    if (turns->empty()) return send_off(std::move(request), std::move(resolution), nullptr);
    answered_ = true;
    body_ = {};
    look_up_ = std::make_shared<LookUp>(LookUp{this, std::move(request), std::move(resolution)});
    retriever->find({name.model, name.collection, std::move(*turns), caller_ != nullptr},
                    [loop = &worker_.loop, waiting = look_up_](Retriever::Found found) {
                        loop->post([waiting, found = std::move(found)] {
                            if (waiting->exchange) waiting->exchange->looked_up(found);
                        });
                    });
}

void Exchange::looked_up(Retriever::Found found) {
    const auto waiting = std::exchange(look_up_, nullptr);
    waiting->exchange = nullptr;
    if (!found) return refuse(found.error());
    if (!(*found)->said.empty()) return say(*waiting->request, std::move(*found));
    if (!waiting->resolution.healthy) return say(*waiting->request, (*found)->without_engine);
    send_off(std::move(waiting->request), std::move(waiting->resolution), std::move(*found));
}

void Exchange::say(const llm::FrontRequest& request,
                   std::shared_ptr<const llm::Grounding> grounding) {
    llm::BridgeContext context;
    context.target.served_model = record_.model;
    context.target.profile = std::make_shared<const llm::Profile>();
    context.target.traits = std::make_shared<llm::EngineTraits>();
    context.received = {record_.received, record_.wall};
    context.request_id = record_.request_id;
    context.grounding = std::move(grounding);
    auto bridge = request.bridge(std::move(context));
    if (!bridge) return refuse(bridge.error());
    llm::Output out;
    const auto calls =
        (*bridge)->start({worker_.loop.fresh_now(), worker_.gateway.clock().wall()}, out);
    if (!calls) return refuse(calls.error());
    if (out.state != llm::Output::State::kDone)
        return refuse({Cause::kInternal, "an answer without an engine was not whole"});
    answer({out.status,
            std::move(out.content_type),
            std::move(out.bytes),
            {{"Segue-Engine", "none"}}});
}

}  // namespace segue::gateway
