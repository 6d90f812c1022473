#include "rag/search/explain.hpp"

namespace segue::rag {
namespace {

void write_leg(json::Writer& w, std::string_view name, const Leg& leg) {
    w.key(name).begin_object();
    leg.rank ? w.member("rank", *leg.rank) : w.member_null("rank");
    leg.score ? w.member("score", *leg.score) : w.member_null("score");
    w.member("scaled", leg.scaled).end_object();
}

}  // namespace

void write_explain(json::Writer& w, const Hit& hit) {
    w.key("explain").begin_object();
    write_leg(w, "keyword", hit.keyword);
    write_leg(w, "vector", hit.vector);
    w.key("terms").begin_array();
    for (const auto& term : hit.terms)
        w.string(term);
    w.end_array().end_object();
}

}  // namespace segue::rag
