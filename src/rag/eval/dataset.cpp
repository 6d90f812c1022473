#include "rag/eval/dataset.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::rag::eval {
namespace {

struct File {
    std::string path;
    std::string text;
};

/// The first of the names that is there.
Result<File> first_of(const std::string& folder, std::initializer_list<std::string_view> names) {
    std::vector<std::string> tried;
    for (const auto name : names) {
        const std::string path = folder + "/" + std::string(name);
        auto text = read_file(path);
        if (text) return File{path, std::move(*text)};
        if (text.error().fault != Fault::kNotFound)
            return tl::make_unexpected(std::move(text).error());
        tried.emplace_back(name);
    }
    return fail(Fault::kNotFound,
                fmt::format("{} holds none of {}; a collection is docs.jsonl, queries.tsv and "
                            "qrels.tsv, or BEIR's corpus.jsonl, queries.jsonl and qrels/test.tsv",
                            folder, join(tried, ", ")));
}

tl::unexpected<Error> wrong(const File& file, std::size_t line, std::string_view what) {
    return fail(Fault::kInvalid, fmt::format("{}:{}: {}", file.path, line, what));
}

/// Calls `take(line, number)` for each line that is not empty.
Result<void> each_line(const File& file,
                       const std::function<Result<void>(std::string_view, std::size_t)>& take) {
    std::size_t number = 0;
    std::string_view left = file.text;
    if (left.starts_with("\xEF\xBB\xBF")) left.remove_prefix(3);
    while (!left.empty()) {
        const auto end = left.find('\n');
        std::string_view line = left.substr(0, end);
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!trim(line).empty()) SEGUE_TRY_VOID(take(line, number));
    }
    return {};
}

/// A name, also where somebody wrote it as a number.
std::optional<std::string> id_of(json::Value object) {
    for (const std::string_view name : {"_id", "id", "doc_id", "query_id"}) {
        const auto value = object[name];
        if (value.is_string()) return std::string(value.string());
        if (value.is_number()) return std::string(value.raw());
    }
    return std::nullopt;
}

Result<void> each_object(
    const File& file,
    const std::function<Result<void>(json::Value, std::string, std::size_t)>& take) {
    json::Parser parser;
    return each_line(file, [&](std::string_view line, std::size_t number) -> Result<void> {
        const auto root = parser.parse(line);
        if (!root || !root->is_object())
            return wrong(file, number, root ? "no JSON object" : root.error().reason);
        auto id = id_of(*root);
        if (!id) return wrong(file, number, "no 'id' (or '_id')");
        return take(*root, std::move(*id), number);
    });
}

Result<void> read_documents(const std::string& folder, Dataset& dataset) {
    SEGUE_TRY(file, first_of(folder, {"docs.jsonl", "corpus.jsonl"}));
    std::unordered_map<std::string, bool> seen;
    SEGUE_TRY_VOID(each_object(
        file, [&](json::Value object, std::string id, std::size_t number) -> Result<void> {
            if (!seen.emplace(id, true).second)
                return wrong(file, number, fmt::format("document '{}' is there twice", id));
            auto text = object["text"];
            if (!text) text = object["contents"];
            dataset.documents.push_back(
                {std::move(id), std::string(object["title"].string()), std::string(text.string())});
            return {};
        }));
    if (dataset.documents.empty())
        return fail(Fault::kInvalid, fmt::format("{} holds no document", file.path));
    return {};
}

Result<void> read_questions(const std::string& folder, Dataset& dataset) {
    SEGUE_TRY(file, first_of(folder, {"queries.tsv", "queries.jsonl"}));
    if (file.path.ends_with(".jsonl"))
        return each_object(
            file, [&](json::Value object, std::string id, std::size_t) -> Result<void> {
                auto text = object["text"];
                if (!text) text = object["query"];
                dataset.questions.push_back({std::move(id), std::string(text.string()), {}});
                return {};
            });
    return each_line(file, [&](std::string_view line, std::size_t number) -> Result<void> {
        const auto tab = line.find('\t');
        if (tab == std::string_view::npos)
            return wrong(file, number, "a question is its id, a tab, its text");
        const auto id = trim(line.substr(0, tab));
        const bool heading = number == 1 && (iequals(id, "query-id") || iequals(id, "query_id") ||
                                             iequals(id, "id") || iequals(id, "qid"));
        if (!heading)
            dataset.questions.push_back(
                {std::string(id), std::string(trim(line.substr(tab + 1))), {}});
        return {};
    });
}

Result<void> read_judgements(const std::string& folder, Dataset& dataset) {
    SEGUE_TRY(file, first_of(folder, {"qrels.tsv", "qrels/test.tsv", "qrels.txt"}));
    std::unordered_map<std::string_view, Question*> by_id;
    for (auto& question : dataset.questions)
        if (!by_id.emplace(question.id, &question).second)
            return fail(Fault::kInvalid,
                        fmt::format("question '{}' is there twice in {}", question.id, folder));
    return each_line(file, [&](std::string_view line, std::size_t number) -> Result<void> {
        std::vector<std::string_view> fields;
        if (line.find('\t') != std::string_view::npos) {
            fields = split(line, '\t');
        } else {
            for (const auto field : split(line, ' '))
                if (!field.empty()) fields.push_back(field);
        }
        // TREC's own form has a second column that nobody uses: 1 0 184 3
        if (fields.size() == 4) fields.erase(fields.begin() + 1);
        if (fields.size() != 3)
            return wrong(file, number, "a judgement is question, document, grade");
        const auto text = trim(fields[2]);
        double grade = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), grade);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
            if (number == 1) return {};  // the heading
            return wrong(file, number, fmt::format("'{}' is no grade", text));
        }
        const auto question = by_id.find(trim(fields[0]));
        if (question == by_id.end()) return {};  // BEIR's queries.jsonl and qrels differ at times
        question->second->grades[std::string(trim(fields[1]))] = static_cast<int>(grade);
        ++dataset.judgements;
        return {};
    });
}

}  // namespace

Result<Dataset> read_dataset(const std::string& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return fail(Fault::kNotFound, fmt::format("{} is no folder", folder));
    Dataset dataset;
    dataset.name = std::filesystem::canonical(folder, error).filename().string();
    SEGUE_TRY_VOID(read_documents(folder, dataset));
    SEGUE_TRY_VOID(read_questions(folder, dataset));
    SEGUE_TRY_VOID(read_judgements(folder, dataset));
    const auto all = dataset.questions.size();
    std::erase_if(dataset.questions, [](const Question& question) {
        return std::none_of(question.grades.begin(), question.grades.end(),
                            [](const auto& grade) { return grade.second > 0; });
    });
    dataset.unjudged = all - dataset.questions.size();
    if (dataset.questions.empty())
        return fail(Fault::kInvalid,
                    fmt::format("no question of {} has a relevant document in its qrels", folder));
    return dataset;
}

}  // namespace segue::rag::eval
