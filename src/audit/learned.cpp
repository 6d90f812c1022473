#include "audit/learned.hpp"

#include <algorithm>
#include <cctype>

#include "audit/text/vocabulary.hpp"

namespace segue::audit {
namespace {

bool name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Service and host names are everyday words ("llm"): they count as hosts of URLs and where compose
/// or Kubernetes refer to a service.
bool host_place(const ParsedFile& file, const Segment& segment, std::string_view before,
                std::string_view after) {
    if (before.ends_with("://") || before.ends_with('@')) return true;
    if (segment.region != Region::kCode && after.size() > 4 && after.front() == ':' &&
        std::isdigit(static_cast<unsigned char>(after[1])) != 0 &&
        std::isdigit(static_cast<unsigned char>(after[4])) != 0)
        return true;
    const auto& form = file.source.form();
    if (!form.compose && !form.kubernetes) return false;
    if (before.ends_with('*') || before.ends_with('&')) return true;
    const std::string_view path = segment.path < file.segments.paths.size()
                                      ? std::string_view(file.segments.paths[segment.path])
                                      : "";
    if (segment.region == Region::kKey) {
        const auto dot = path.rfind('.');
        const auto parent = path.substr(0, dot == std::string_view::npos ? 0 : dot);
        return parent == "services" || parent == "volumes" || parent.ends_with("depends_on");
    }
    for (const std::string_view part :
         {"depends_on", "links", "extends", "container_name", "hostname", "aliases", "volumes",
          "serviceName", "network_mode"})
        if (path.find(part) != std::string_view::npos) return true;
    return false;
}

}  // namespace

void add_learned_tokens(ParsedFile& file, const Model& model) {
    const auto text = file.source.text();
    const auto before_count = file.tokens.size();
    for (std::uint32_t index = 0; index < file.segments.list.size(); ++index) {
        const auto& segment = file.segments.list[index];
        for (std::size_t at = segment.begin; at < segment.end;) {
            if (!name_char(text[at])) {
                ++at;
                continue;
            }
            std::size_t end = at;
            while (end < segment.end && name_char(text[end]))
                ++end;
            // Names with '-' and '.' in them: try the long one first.
            std::size_t longer = end;
            while (longer < segment.end &&
                   (name_char(text[longer]) || text[longer] == '-' || text[longer] == '.'))
                ++longer;
            auto found = model.learned.find(text.substr(at, longer - at));
            std::size_t stop = longer;
            if (found == model.learned.end()) {
                found = model.learned.find(text.substr(at, end - at));
                stop = end;
            }
            if (found != model.learned.end() &&
                (at == segment.begin || (!name_char(text[at - 1]) && text[at - 1] != '-'))) {
                const auto before = text.substr(segment.begin, at - segment.begin);
                const auto after = text.substr(stop, segment.end - stop);
                const auto carries = found->second.carries;
                bool take = carries == Carries::kAddress || carries == Carries::kModel;
                if (carries == Carries::kHost || carries == Carries::kService ||
                    carries == Carries::kVolume)
                    take = host_place(file, segment, before, after);
                if (carries == Carries::kPort)
                    take = before.ends_with(':') || after.starts_with(":11434") ||
                           (segment.region == Region::kValue &&
                            found->second.from.path == file.source.path());
                if (take) {
                    Token token;
                    token.type = TokenType::kLearned;
                    token.begin = static_cast<std::uint32_t>(at);
                    token.end = static_cast<std::uint32_t>(stop);
                    token.segment = index;
                    file.tokens.push_back(std::move(token));
                }
            }
            at = stop;
        }
    }
    if (file.tokens.size() != before_count)
        std::stable_sort(file.tokens.begin(), file.tokens.end(),
                         [](const Token& a, const Token& b) { return a.begin < b.begin; });
}

}  // namespace segue::audit
