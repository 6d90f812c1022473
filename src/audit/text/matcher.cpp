#include "audit/text/matcher.hpp"

#include <hs.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/check.hpp"

namespace segue::audit {
namespace {

/// Vectorscan's working memory is for one thread at a time, and must be large enough for the
/// database. To ask for that at each scan would take longer than most scans: one that is large
/// enough for every database made so far is kept, and a thread copies it when there is a larger.
class Scratches {
public:
    static Scratches& all() {
        static Scratches scratches;
        return scratches;
    }
    void make_room(const hs_database_t* database) {
        const std::scoped_lock lock(guard_);
        auto* const before = largest_;
        SEGUE_CHECK(hs_alloc_scratch(database, &largest_) == HS_SUCCESS);
        if (largest_ != before) version_.fetch_add(1, std::memory_order_release);
    }
    hs_scratch_t* of_thread() {
        struct Mine {
            hs_scratch_t* memory = nullptr;
            std::uint64_t version = 0;
            Mine() = default;
            ~Mine() { hs_free_scratch(memory); }
            Mine(const Mine&) = delete;
            Mine& operator=(const Mine&) = delete;
        };
        thread_local Mine mine;
        if (mine.version != version_.load(std::memory_order_acquire)) {
            const std::scoped_lock lock(guard_);
            hs_free_scratch(std::exchange(mine.memory, nullptr));
            SEGUE_CHECK(hs_clone_scratch(largest_, &mine.memory) == HS_SUCCESS);
            mine.version = version_.load(std::memory_order_relaxed);
        }
        return mine.memory;
    }

private:
    std::mutex guard_;
    hs_scratch_t* largest_ = nullptr;
    std::atomic<std::uint64_t> version_{0};
};

/// `found` answers whether to stop.
void scan(const hs_database_t* database, std::string_view bytes, match_event_handler found,
          void* context) {
    constexpr std::size_t kBlock = 1U << 30;  // its sizes have 32 bits; files end far below
    SEGUE_CHECK(bytes.size() <= kBlock);
    const auto done = hs_scan(database, bytes.data(), static_cast<unsigned>(bytes.size()), 0,
                              Scratches::all().of_thread(), found, context);
    SEGUE_CHECK(done == HS_SUCCESS || done == HS_SCAN_TERMINATED);
}

}  // namespace

void Matcher::Free::operator()(hs_database* database) const {
    hs_free_database(database);
}

Matcher::Matcher(std::span<const std::string_view> literals) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    std::vector<unsigned> ids;
    for (std::size_t i = 0; i < literals.size(); ++i) {
        const auto literal = literals[i];
        if (literal.empty()) continue;
        ids.push_back(static_cast<unsigned>(i));
        texts.push_back(literal.data());
        sizes.push_back(literal.size());
        longest_ = std::max(longest_, literal.size());
    }
    if (texts.empty()) return;
    const std::vector<unsigned> flags(texts.size(), HS_FLAG_CASELESS);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    const auto made = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                                           static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                                           nullptr, &database, &error);
    hs_free_compile_error(error);
    SEGUE_CHECK(made == HS_SUCCESS);
    database_.reset(database);
    Scratches::all().make_room(database);
}

bool Matcher::runs_here() {
    return hs_valid_platform() == HS_SUCCESS;
}

bool Matcher::matches(std::string_view bytes) const {
    bool any = false;
    const auto stop = [](unsigned, unsigned long long, unsigned long long, unsigned, void* out) {
        *static_cast<bool*>(out) = true;
        return 1;
    };
    if (database_) scan(database_.get(), bytes, stop, &any);
    return any;
}

bool Matcher::any(std::string_view bytes, bool (*test)(const Hit&, void*), void* context) const {
    struct Asked {
        bool (*test)(const Hit&, void*);
        void* context;
        bool any = false;
    } asked{test, context};
    const auto ask = [](unsigned id, unsigned long long, unsigned long long to, unsigned,
                        void* out) {
        auto& about = *static_cast<Asked*>(out);
        about.any = about.test({id, static_cast<std::size_t>(to)}, about.context);
        return about.any ? 1 : 0;
    };
    if (database_) scan(database_.get(), bytes, ask, &asked);
    return asked.any;
}

std::vector<Matcher::Hit> Matcher::find(std::string_view bytes) const {
    std::vector<Hit> out;
    const auto add = [](unsigned id, unsigned long long, unsigned long long to, unsigned,
                        void* list) {
        static_cast<std::vector<Hit>*>(list)->push_back({id, static_cast<std::size_t>(to)});
        return 0;
    };
    if (database_) scan(database_.get(), bytes, add, &out);
    return out;
}

std::vector<std::size_t> Matcher::ends(std::string_view bytes) const {
    std::vector<std::size_t> out;
    for (const auto& hit : find(bytes))
        if (out.empty() || out.back() != hit.end) out.push_back(hit.end);
    return out;
}

}  // namespace segue::audit
