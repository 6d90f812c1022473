#include "rag/eval/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <unordered_map>

#include "base/text.hpp"
#include "rag/eval/scratch.hpp"
#include "rag/search/collections.hpp"
#include "rag/search/index.hpp"
#include "rag/search/vectors.hpp"
#include "rag/text/language.hpp"

namespace segue::rag::eval {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t kDocumentsAtOnce = 250;
constexpr std::size_t kVectorsAtOnce = 64;

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}
double ms_since(SteadyClock::time_point start) {
    return seconds_since(start) * 1000;
}

std::string language_of_all(const Dataset& dataset) {
    std::string sample;
    for (const auto& document : dataset.documents) {
        sample.append(document.title).append(" ").append(document.text.substr(0, 400)).append("\n");
        if (sample.size() > 8000) break;
    }
    return std::string(language_of(sample));
}

class Evaluation {
public:
    Evaluation(const Dataset& dataset, const EvaluationOptions& options, store::Pool& pool)
        : dataset_(dataset), options_(options), pool_(pool), index_(pool), vectors_(pool) {}

    Result<Report> run() {
        SEGUE_TRY_VOID(write_documents());
        const bool wanted =
            std::any_of(options_.settings.begin(), options_.settings.end(),
                        [](const Setting& setting) { return setting.mode != Mode::kKeyword; });
        if (options_.embedder && wanted) {
            SEGUE_TRY_VOID(write_vectors());
        } else if (!wanted) {
            report_.without_vector = "no run asks for them";
        } else {
            report_.without_vector = options_.without_embedder;
        }
        SEGUE_TRY_VOID(index_.settle());
        SEGUE_TRY_VOID(learn_documents());
        for (const auto& setting : options_.settings)
            if (setting.mode == Mode::kKeyword || options_.embedder)
                SEGUE_TRY_VOID(measure_setting(setting));
        return std::move(report_);
    }

private:
    Result<void> go_on() const {
        if (options_.cancelled && options_.cancelled())
            return fail(Fault::kTimeout, "stopped before the end; nothing was left behind");
        return {};
    }
    void progress(std::string_view doing, std::size_t done, std::size_t of) const {
        if (options_.progress) options_.progress(fmt::format("{}: {} of {}", doing, done, of));
    }

    Result<void> write_documents() {
        const auto start = SteadyClock::now();
        SEGUE_TRY(collection, Collections(pool_).create({"test", "", "", false, {}, {}}));
        const std::string language =
            options_.language.empty() ? language_of_all(dataset_) : options_.language;
        std::vector<ReadDocument> batch;
        for (std::size_t i = 0; i < dataset_.documents.size(); ++i) {
            const auto& document = dataset_.documents[i];
            ReadDocument& read = batch.emplace_back();
            read.path = document.id;
            read.title = document.title;
            read.type = "text";
            read.language = language;
            read.salt = document.id;
            read.passages.push_back({{}, document.text, {}});
            if (batch.size() < kDocumentsAtOnce && i + 1 < dataset_.documents.size()) continue;
            SEGUE_TRY_VOID(go_on());
            SEGUE_TRY(written, index_.write(collection.id, batch));
            static_cast<void>(written);
            batch.clear();
            progress("indexing", i + 1, dataset_.documents.size());
        }
        report_.index_seconds = seconds_since(start);
        return {};
    }

    Result<void> write_vectors() {
        const auto start = SteadyClock::now();
        report_.model = options_.embedder->model().name;
        SEGUE_TRY(model, vectors_.register_model(options_.embedder->model()));
        std::int64_t after = 0;
        std::size_t done = 0;
        while (true) {
            SEGUE_TRY_VOID(go_on());
            SEGUE_TRY(pending, vectors_.pending(model, after, kVectorsAtOnce));
            if (pending.empty()) break;
            std::vector<std::string> texts;
            std::vector<std::int64_t> ids;
            for (auto& [id, text] : pending) {
                ids.push_back(id);
                texts.push_back(std::move(text));
            }
            SEGUE_TRY(vectors, options_.embedder->embed(texts, TextRole::kPassage));
            SEGUE_TRY_VOID(vectors_.store(model, ids, vectors));
            after = ids.back();
            done += ids.size();
            progress("embedding", done, dataset_.documents.size());
        }
        SEGUE_TRY(settled, pool_.execute("VACUUM (ANALYZE) " + model.table()));
        static_cast<void>(settled);
        report_.embedding_seconds = seconds_since(start);
        return {};
    }

    Result<void> learn_documents() {
        SEGUE_TRY(rows, (pool_.query<std::int64_t, std::string>(
                            "SELECT pl.passage, d.path FROM place pl JOIN document d ON d.id = "
                            "pl.document")));
        for (auto& [passage, path] : rows)
            document_of_.emplace(passage, std::move(path));
        return {};
    }

    Result<void> measure_setting(const Setting& setting) {
        Run run;
        run.name = setting.name;
        const Searcher searcher(pool_, options_.embedder);
        std::vector<double> total_ms, embedding_ms, ndcg, recall, mrr;
        SearchRequest request;
        request.reader = Reader::administrator();
        request.limit = kLegDepth;
        request.mode = setting.mode;
        request.ranking = setting.ranking;
        // The first question also loads what is cold; it is asked once before the clock runs.
        bool warm = false;
        for (std::size_t i = 0; i < dataset_.questions.size(); ++i) {
            const auto& question = dataset_.questions[i];
            SEGUE_TRY_VOID(go_on());
            request.query = question.text;
            const auto start = SteadyClock::now();
            std::optional<Vector> vector;
            if (setting.mode != Mode::kKeyword) {
                vector = searcher.question_vector(question.text);
                if (!vector)
                    return fail(Fault::kUnreachable,
                                fmt::format("question '{}' could not be embedded", question.id));
            }
            const double embedded = ms_since(start);
            SEGUE_TRY(ranked, searcher.rank(request, vector));
            const double took = ms_since(start);
            if (!warm) {
                warm = true;
                --i;
                continue;
            }
            std::vector<std::string> documents;
            for (const auto& passage : ranked)
                documents.push_back(document_of_.at(passage.passage));
            const auto quality = measure(documents, question.grades);
            run.questions.push_back(quality);
            ndcg.push_back(quality.ndcg10);
            recall.push_back(quality.recall100);
            mrr.push_back(quality.mrr10);
            total_ms.push_back(took);
            embedding_ms.push_back(embedded);
            progress(setting.name, i + 1, dataset_.questions.size());
        }
        run.ndcg10 = {mean(ndcg), bootstrap(ndcg)};
        run.recall100 = {mean(recall), bootstrap(recall)};
        run.mrr10 = {mean(mrr), bootstrap(mrr)};
        run.p50_ms = quantile(total_ms, 0.5);
        run.p95_ms = quantile(total_ms, 0.95);
        run.embedding_p50_ms = quantile(embedding_ms, 0.5);
        report_.runs.push_back(std::move(run));
        return {};
    }

    const Dataset& dataset_;
    const EvaluationOptions& options_;
    store::Pool& pool_;
    Index index_;
    Vectors vectors_;
    Report report_;
    std::unordered_map<std::int64_t, std::string> document_of_;
};

}  // namespace

Result<Setting> parse_setting(std::string_view text) {
    Setting setting;
    setting.name = text;
    const auto colon = text.find(':');
    const auto mode = parse_mode(text.substr(0, colon));
    if (!mode)
        return fail(Fault::kInvalid,
                    fmt::format("'{}' is no way to search: hybrid, keyword or vector, then "
                                "':k1=1.2,b=0.75,weight=0.5,rrf=60' as wanted",
                                text));
    setting.mode = *mode;
    if (colon == std::string_view::npos) return setting;
    for (const auto part : split(text.substr(colon + 1), ',')) {
        const auto equals = part.find('=');
        const auto key = part.substr(0, equals);
        const auto written =
            equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
        double value = 0;
        const auto read = std::from_chars(written.data(), written.data() + written.size(), value);
        const bool number = read.ec == std::errc() && read.ptr == written.data() + written.size();
        const auto within = [&](double low, double high) {
            return number && value >= low && value <= high;
        };
        if (key == "k1" && within(0, 10)) {
            setting.ranking.k1 = value;
        } else if (key == "b" && within(0, 1)) {
            setting.ranking.b = value;
        } else if (key == "weight" && within(0, 1)) {
            setting.ranking.vector_weight = value;
        } else if (key == "rrf" && within(1, 1000)) {
            setting.ranking.rrf = value;
        } else {
            return fail(
                Fault::kInvalid,
                fmt::format("'{}' in '{}': there are k1 (0 to 10), b (0 to 1), weight of the "
                            "vectors (0 to 1), rrf (1 to 1000)",
                            part, text));
        }
    }
    return setting;
}

Result<Report> evaluate(const Dataset& dataset, const EvaluationOptions& options) {
    SEGUE_TRY(scratch, ScratchStore::make(options.endpoint));
    return Evaluation(dataset, options, scratch->pool()).run();
}

std::vector<Difference> compare(const Run& first, const Run& second) {
    const std::array<std::pair<std::string_view, double Quality::*>, 3> metrics{
        {{"ndcg@10", &Quality::ndcg10},
         {"recall@100", &Quality::recall100},
         {"mrr@10", &Quality::mrr10}}};
    std::vector<Difference> made;
    for (const auto& [name, member] : metrics) {
        std::vector<double> differences;
        for (std::size_t i = 0; i < std::min(first.questions.size(), second.questions.size()); ++i)
            differences.push_back(second.questions[i].*member - first.questions[i].*member);
        made.push_back({std::string(name), mean(differences), bootstrap(differences),
                        sign_flip_p(differences)});
    }
    return made;
}

}  // namespace segue::rag::eval
