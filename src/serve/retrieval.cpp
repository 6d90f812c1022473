#include "serve/retrieval.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "chat/words.hpp"

namespace segue::serve {
namespace {

constexpr std::size_t kLookAt = 24;  // hits that sources are chosen from
constexpr std::size_t kOfADocument = 3;
// Cosines of bge-small: unrelated English texts lie between 0.35 and 0.58, answers above 0.62.
constexpr double kAlike = 0.60;

/// It has enough of the question's words, or means the same.
bool may_answer(const rag::Hit& hit, std::size_t words) {
    if (hit.vector.score && *hit.vector.score >= kAlike) return true;
    const std::size_t common = hit.terms.size();
    return common >= 2 || (common == 1 && words <= 2);
}

std::optional<int> known(int value) {
    if (value <= 0) return std::nullopt;
    return value;
}

chat::Source source_of(const rag::Hit& hit) {
    chat::Source source;
    source.passage = std::to_string(hit.passage);
    source.document = std::to_string(hit.document);
    source.collection = hit.collection;
    source.title = hit.title;
    source.path = hit.path;
    source.text = hit.text;
    source.heading = hit.heading;
    source.page = known(hit.place.page);
    source.first_line = known(hit.place.first_line);
    source.last_line = known(hit.place.last_line);
    return source;
}

/// Two that follow each other in one document read better as one.
bool is_next(const rag::Hit& first, const rag::Hit& second) {
    return first.document == second.document && first.ordinal + 1 == second.ordinal &&
           first.heading == second.heading;
}

}  // namespace

rag::Reader reader_of(std::int64_t id, std::string_view role) {
    rag::Reader reader;
    reader.everything = role == "admin";
    reader.person = std::to_string(id);
    reader.role = role;
    return reader;
}

std::vector<chat::Source> choose_sources(std::vector<rag::Hit> hits, std::string_view question,
                                         std::size_t limit) {
    const std::size_t words = chat::telling_words(question).size();
    std::map<std::int64_t, std::size_t> of_document;
    std::vector<rag::Hit> chosen;
    for (auto& hit : hits) {
        if (chosen.size() == limit) break;
        if (!may_answer(hit, words) || of_document[hit.document] == kOfADocument) continue;
        ++of_document[hit.document];
        chosen.push_back(std::move(hit));
    }
    std::vector<chat::Source> out;
    std::vector<char> used(chosen.size(), 0);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (std::exchange(used[i], 1) != 0) continue;
        // The best one stands where it is; its neighbours come to it, in their own order.
        std::vector<std::size_t> run{i};
        for (bool grown = true; grown;) {
            grown = false;
            for (std::size_t j = 0; j < chosen.size(); ++j) {
                if (used[j] != 0) continue;
                if (is_next(chosen[run.back()], chosen[j])) {
                    run.push_back(j);
                } else if (is_next(chosen[j], chosen[run.front()])) {
                    run.insert(run.begin(), j);
                } else {
                    continue;
                }
                used[j] = 1;
                grown = true;
            }
        }
        chat::Source source = source_of(chosen[run.front()]);
        source.passage = std::to_string(chosen[i].passage);
        for (std::size_t k = 1; k < run.size(); ++k) {
            source.text += "\n" + chosen[run[k]].text;
            if (const auto last = known(chosen[run[k]].place.last_line)) source.last_line = last;
        }
        source.n = static_cast<int>(out.size()) + 1;
        out.push_back(std::move(source));
    }
    return out;
}

Result<chat::Found> Retrieval::search(const chat::Person& person, std::string_view question,
                                      const std::vector<std::string>& collections,
                                      std::size_t limit) {
    const rag::Reader reader = reader_of(person.id, person.role);
    SEGUE_TRY_VOID(collections_.check_readable(reader, collections));
    rag::SearchRequest request;
    request.query = question.substr(0, rag::kLongestQuestion);
    request.reader = reader;
    request.collections = collections;
    request.limit = kLookAt;
    SEGUE_TRY(result, rag::Searcher(pool_, embedder_.load()).search(request));
    chat::Found found;
    found.vector = rag::vector_use_name(result.vector);
    found.sources = choose_sources(std::move(result.hits), question, limit);
    return found;
}

Result<std::vector<std::string>> Retrieval::readable(const chat::Person& person) {
    SEGUE_TRY(all, collections_.entries(reader_of(person.id, person.role)));
    std::vector<std::string> out;
    for (auto& collection : all)
        out.push_back(std::move(collection.slug));
    return out;
}

std::vector<std::string> Retrieval::names(const std::vector<std::string>& collections) {
    if (collections.empty()) return {};
    std::vector<std::string> out;
    const auto all = collections_.entries(rag::Reader::administrator());
    for (const auto& slug : collections) {
        std::string name = slug;
        if (all)
            for (const auto& collection : *all)
                if (collection.slug == slug) name = collection.name;
        out.push_back(std::move(name));
    }
    return out;
}

}  // namespace segue::serve
