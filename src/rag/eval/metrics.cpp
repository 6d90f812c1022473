#include "rag/eval/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/ids.hpp"

namespace segue::rag::eval {
namespace {

constexpr std::uint64_t kSeed = 20'261'124;

double gain(int grade, std::size_t rank) {
    return grade > 0 ? grade / std::log2(static_cast<double>(rank) + 1) : 0;
}

}  // namespace

Quality measure(std::span<const std::string> ranked,
                const std::map<std::string, int, std::less<>>& grades) {
    std::vector<int> best;
    for (const auto& [id, grade] : grades)
        if (grade > 0) best.push_back(grade);
    Quality quality;
    if (best.empty()) return quality;
    std::sort(best.begin(), best.end(), std::greater<>());
    double ideal = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(best.size(), 10); ++i)
        ideal += gain(best[i], i + 1);
    double got = 0;
    double found = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), 100); ++i) {
        const auto grade = grades.find(ranked[i]);
        if (grade == grades.end() || grade->second <= 0) continue;
        ++found;
        if (i < 10) got += gain(grade->second, i + 1);
        if (i < 10 && quality.mrr10 == 0) quality.mrr10 = 1.0 / static_cast<double>(i + 1);
    }
    quality.ndcg10 = got / ideal;
    quality.recall100 = found / static_cast<double>(best.size());
    return quality;
}

double mean(std::span<const double> values) {
    if (values.empty()) return 0;
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Interval bootstrap(std::span<const double> values, int resamples) {
    if (values.empty()) return {};
    Random random(kSeed);
    std::vector<double> means;
    for (int i = 0; i < resamples; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < values.size(); ++k)
            sum += values[random.below(values.size())];
        means.push_back(sum / static_cast<double>(values.size()));
    }
    return {quantile(means, 0.025), quantile(means, 0.975)};
}

double sign_flip_p(std::span<const double> differences, int rounds) {
    const double seen = std::abs(mean(differences));
    if (seen == 0) return 1;
    Random random(kSeed);
    int as_large = 1;
    for (int i = 0; i < rounds; ++i) {
        double sum = 0;
        for (const double difference : differences)
            sum += random.next() >> 63U ? difference : -difference;
        if (std::abs(sum) / static_cast<double>(differences.size()) >= seen - 1e-12) ++as_large;
    }
    return static_cast<double>(as_large) / (rounds + 1);
}

double quantile(std::vector<double> values, double p) {
    if (values.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(values.size())));
    const auto at = std::clamp<std::size_t>(rank, 1, values.size()) - 1;
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at),
                     values.end());
    return values[at];
}

}  // namespace segue::rag::eval
