#include "chat/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "chat/json.hpp"
#include "chat/prompt.hpp"
#include "chat/words.hpp"

namespace segue::chat {
namespace {

constexpr std::int64_t kMostFiles = 20;       // of a conversation
constexpr std::size_t kMostPassages = 4'000;  // of a file
constexpr std::int64_t kBudget = 2'500;       // tokens of files in one prompt

std::string without_nul(std::string_view text) {
    return replace_all(text, std::string_view("\0", 1), "\xEF\xBF\xBD");
}

std::optional<int> known(int value) {
    if (value <= 0) return std::nullopt;
    return value;
}

std::vector<Source> passages_of(const rag::ReadDocument& document, const std::string& id,
                                const std::string& name) {
    std::vector<Source> out;
    for (const auto& passage : document.passages) {
        if (out.size() == kMostPassages) break;
        Source source;
        source.passage = fmt::format("{}.{}", id, out.size() + 1);
        source.document = id;
        source.title = name;
        source.path = name;
        source.text = without_nul(passage.body);
        for (const auto& heading : passage.heading)
            source.heading.push_back(without_nul(heading));
        source.page = known(passage.place.page);
        source.first_line = known(passage.place.first_line);
        source.last_line = known(passage.place.last_line);
        out.push_back(std::move(source));
    }
    return out;
}

}  // namespace

Result<File> Files::add(const Person& person, std::string_view conversation, std::string_view name,
                        std::string_view bytes) {
    // Said before the file is read: whose conversation it is, and whether there is room.
    SEGUE_TRY(there, pool_.one<std::int64_t>(
                         "SELECT (SELECT count(*) FROM conversation_file f WHERE f.conversation = "
                         "c.id) FROM conversation c WHERE c.id = $1 AND c.person = $2",
                         conversation, person.id));
    if (!there)
        return fail(Fault::kNotFound, "there is no such conversation; it may have been deleted",
                    "chat");
    if (std::get<0>(*there) >= kMostFiles)
        return fail(Fault::kConflict,
                    fmt::format("a conversation has at most {} files; make a collection of them "
                                "under Documents",
                                kMostFiles),
                    "chat");
    File file;
    file.id = random_alphanumeric(20);
    file.name = name;
    file.bytes = static_cast<std::int64_t>(bytes.size());
    std::vector<Source> passages;
    {
        const std::lock_guard lock(mutex_);
        if (auto read = reader_.read(name, bytes)) {
            file.type = read->type;
            passages = passages_of(*read, file.id, file.name);
            if (passages.empty()) file.problem = "there is no text in it";
        } else {
            file.problem = read.error().detail;
        }
    }
    SEGUE_TRY(kept,
              pool_.execute("INSERT INTO conversation_file (id, conversation, name, type, bytes, "
                            "problem, passages) SELECT $1, c.id, $3, $4, $5, $6, $7 FROM "
                            "conversation c WHERE c.id = $2 AND c.person = $8 ON CONFLICT DO "
                            "NOTHING",
                            file.id, conversation, file.name, file.type, file.bytes, file.problem,
                            store::Json{to_json(passages)}, person.id));
    if (kept == 0) return fail(Fault::kNotFound, "the conversation was deleted meanwhile", "chat");
    return file;
}

Result<void> Files::remove(const Person& person, std::string_view conversation,
                           std::string_view id) {
    SEGUE_TRY(removed, pool_.execute("DELETE FROM conversation_file f USING conversation c WHERE "
                                     "f.id = $1 AND c.id = f.conversation AND c.id = $2 AND "
                                     "c.person = $3",
                                     id, conversation, person.id));
    if (removed == 0) return fail(Fault::kNotFound, "there is no such file here", "chat");
    return {};
}

Result<std::vector<File>> Files::list(const Person& person, std::string_view conversation) {
    SEGUE_TRY(rows, pool_.query<std::string, std::string, std::string, std::int64_t,
                                std::optional<std::string>>(
                        "SELECT f.id, f.name, f.type, f.bytes, f.problem FROM conversation_file f "
                        "JOIN conversation c ON c.id = f.conversation WHERE c.id = $1 AND c.person "
                        "= $2 ORDER BY f.created, f.id",
                        conversation, person.id));
    std::vector<File> out;
    for (auto& [id, name, type, bytes, problem] : rows)
        out.push_back({std::move(id), std::move(name), std::move(type), bytes, std::move(problem)});
    return out;
}

Result<std::vector<Source>> Files::sources(const Person& person, std::string_view conversation,
                                           std::string_view question) {
    SEGUE_TRY(rows, pool_.query<store::Json>(
                        "SELECT f.passages FROM conversation_file f JOIN "
                        "conversation c ON c.id = f.conversation WHERE c.id = $1 AND "
                        "c.person = $2 ORDER BY f.created, f.id",
                        conversation, person.id));
    std::vector<Source> all;
    for (auto& [passages] : rows)
        for (auto& source : read_sources(passages.text))
            all.push_back(std::move(source));
    return choose_passages(std::move(all), question, kBudget);
}

std::vector<Source> choose_passages(std::vector<Source> all, std::string_view question,
                                    std::int64_t budget) {
    std::vector<std::int64_t> tokens;
    std::int64_t sum = 0;
    for (const auto& source : all)
        sum += tokens.emplace_back(estimate_tokens(source.text) + 10);
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    if (sum > budget) {
        const auto wanted = telling_words(question);
        std::vector<std::unordered_set<std::string>> words;
        std::map<std::string_view, double> passages_with;
        for (const auto& source : all) {
            auto of_it = telling_words(source.text);
            auto& set = words.emplace_back(of_it.begin(), of_it.end());
            for (const auto& word : wanted)
                if (set.contains(word)) passages_with[word] += 1;
        }
        std::vector<double> score(all.size(), 0);
        for (std::size_t i = 0; i < all.size(); ++i)
            for (const auto& word : wanted)
                if (words[i].contains(word))
                    score[i] += std::log(1 + static_cast<double>(all.size()) / passages_with[word]);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
    }
    std::vector<std::size_t> chosen;
    for (const std::size_t i : order) {
        if (tokens[i] > budget) continue;
        budget -= tokens[i];
        chosen.push_back(i);
    }
    std::sort(chosen.begin(), chosen.end());
    std::vector<Source> out;
    for (const std::size_t i : chosen) {
        out.push_back(std::move(all[i]));
        out.back().n = static_cast<int>(out.size());
    }
    return out;
}

}  // namespace segue::chat
