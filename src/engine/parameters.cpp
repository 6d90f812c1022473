#include "engine/parameters.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace segue::engine {
namespace {

struct RealParameter {
    std::string_view name;
    std::optional<double> llm::Sampling::*member;
};
constexpr std::array kReal{
    RealParameter{"temperature", &llm::Sampling::temperature},
    RealParameter{"top_p", &llm::Sampling::top_p},
    RealParameter{"min_p", &llm::Sampling::min_p},
    RealParameter{"typical_p", &llm::Sampling::typical_p},
    RealParameter{"presence_penalty", &llm::Sampling::presence_penalty},
    RealParameter{"frequency_penalty", &llm::Sampling::frequency_penalty},
    RealParameter{"repeat_penalty", &llm::Sampling::repeat_penalty},
};
struct WholeParameter {
    std::string_view name;
    std::optional<std::int64_t> llm::Sampling::*member;
};
constexpr std::array kWhole{
    WholeParameter{"top_k", &llm::Sampling::top_k},
    WholeParameter{"seed", &llm::Sampling::seed},
    WholeParameter{"num_predict", &llm::Sampling::max_tokens},
    WholeParameter{"repeat_last_n", &llm::Sampling::repeat_last_n},
    WholeParameter{"num_ctx", &llm::Sampling::num_ctx},
};

}  // namespace

bool set_parameter(llm::Profile& profile, std::string_view name, json::Value value) {
    for (const auto& parameter : kReal) {
        if (parameter.name != name) continue;
        const auto number = value.number();
        if (number) profile.parameters.*parameter.member = number;
        return number.has_value();
    }
    for (const auto& parameter : kWhole) {
        if (parameter.name != name) continue;
        const auto number = value.integer();
        if (number) profile.parameters.*parameter.member = number;
        return number.has_value();
    }
    if (name == "stop") {
        std::vector<std::string> stops;
        if (value.is_string()) stops.emplace_back(value.string());
        if (value.is_array())
            for (const auto item : value)
                stops.emplace_back(item.string());
        if (stops.empty()) return false;
        profile.parameters.stop = std::move(stops);
        return true;
    }
    profile.parameter_extras.push_back({std::string(name), std::string(value.raw())});
    return true;
}

}  // namespace segue::engine
