/// One client request from head to log line: checks, body, decoding, and then a local answer or a
/// dispatch.
///
/// Thread: one worker. Lifetime: owned by the connection (net::Handler).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/dispatch.hpp"
#include "gateway/gateway.hpp"
#include "gateway/retriever.hpp"
#include "gateway/routes.hpp"
#include "gateway/trace_context.hpp"
#include "net/server.hpp"

namespace segue::gateway {

class Exchange final : public net::Handler, private OwnSink {
public:
    /// Segue asks itself (the chat): no key, no Host, no Origin is asked for; `asker` stands in the
    /// access log in the key's place.
    struct Inside {
        std::string asker;
    };
    Exchange(Worker& worker, net::Responder& responder, std::optional<Inside> inside = {});
    ~Exchange() override;

    void on_head(net::RequestHead head) override;
    void on_body(std::string_view bytes) override;
    void on_body_end() override;
    void on_drained() override;
    void on_client_gone() override;

private:
    /// Origin, Host, method, key: true when the request may go on.
    bool admit();
    bool check_key();
    /// Who waits behind whom, by key and header; false: refused.
    bool read_priority();
    /// The key's limits; false: refused.
    bool within_limits();
    /// The key pays for what was used.
    void settle();
    void process();
    void process_decoded(llm::Outcome<std::unique_ptr<llm::FrontRequest>> request);
    std::uint64_t affinity_key(const llm::FrontRequest& request) const;
    void dispatch(std::unique_ptr<llm::FrontRequest> request, engine::Resolution resolution);
    /// Priority and limits of who asks; false: refused.
    bool let_in();
    void send_off(std::shared_ptr<const llm::FrontRequest> request, engine::Resolution resolution,
                  std::shared_ptr<const llm::Grounding> grounding);
    /// Looks for passages in a collection first.
    void look_up(std::unique_ptr<llm::FrontRequest> request, engine::Resolution resolution,
                 const llm::CollectionName& name);
    void looked_up(Retriever::Found found);
    /// An answer that no engine makes.
    void say(const llm::FrontRequest& request, std::shared_ptr<const llm::Grounding> grounding);
    llm::Failure unknown_model(const llm::FrontRequest& request,
                               const engine::Resolution& resolution) const;
    /// Answered in one piece (OwnSink, too).
    void answer(const LocalAnswer& answer) override;
    void begin(const LocalAnswer& answer) override;
    void send(std::string_view bytes) override;
    void finish() override;
    std::size_t unsent() const override { return responder_.unsent(); }
    net::Loop& loop() override { return worker_.loop; }
    /// Origin and Host are ones that may be answered.
    bool check_origin();
    void answer_own();
    net::Headers headers_of(const LocalAnswer& local) const;
    void refuse_body(std::size_t limit);
    void refuse(const llm::Failure& failure);
    void start_trace();
    /// True when this request is traced.
    bool note_trace(const std::optional<TraceContext>& given);
    void over();

    Worker& worker_;
    net::Responder& responder_;
    Snapshot snapshot_;
    net::RequestHead head_;
    Route route_;
    std::string body_;
    net::Headers response_headers_;
    net::Headers engine_headers_;
    RequestRecord record_;
    const KeyHolder* caller_ = nullptr;  // owned by snapshot_.keys; null: no key is asked for
    KeyLease lease_;
    std::unique_ptr<Dispatch> dispatch_;
    std::unique_ptr<OwnWork> work_;
    /// A look into a collection under way; the exchange inside is null once nobody waits for it.
    struct LookUp {
        Exchange* exchange = nullptr;  // on the loop's thread only
        std::shared_ptr<const llm::FrontRequest> request;
        engine::Resolution resolution;
    };
    std::shared_ptr<LookUp> look_up_;
    std::optional<Inside> inside_;
    std::size_t own_limit_ = 0;  // bytes of body; of Segue's own paths only
    bool answered_ = false;      // the rest of the body is of no interest
    bool logged_ = false;
};

}  // namespace segue::gateway
