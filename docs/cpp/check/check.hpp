// What the checks share: a list of failures, files of numbers, and the count of allocations.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "calosim.hpp"

namespace check {

/// Notes a failure and goes on.
void expect(bool holds, const std::string& what);

/// Calls of operator new in this thread; always 0 in the build with sanitizers, which count themselves.
std::size_t allocations();

/// Numbers of a binary file.
template <class T>
std::vector<T> numbers(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    std::vector<T> values(calosim::size_of(path) / sizeof(T));
    stream.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
    if (!stream) calosim::fail(path.string(), ": cannot be read");
    return values;
}

/// Message of the Error that a call ends in; empty where it ends well.  Other exceptions are failures.
template <class Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const calosim::Error& error) {
        const std::string message = error.what();
        expect(!message.empty() && message.find('\n') == std::string::npos, "one line: " + message);
        return message;
    } catch (const std::exception& error) {
        expect(false, std::string("an Error instead of ") + error.what());
    }
    return "";
}

/// Bundles that Python made showers of, from reference.json.
struct Case {
    std::string name;
    std::filesystem::path bundle;
    std::uint64_t seed;
    std::vector<calosim::Particle> particles;
    std::vector<float> cells_mev;  ///< shower after shower

    std::vector<float> dense(const std::vector<calosim::Shower>& showers) const;
    std::size_t n_cells() const { return cells_mev.size() / particles.size(); }
};
std::vector<Case> read_cases(const std::filesystem::path& folder);

void answers(const std::filesystem::path& file);
void showers(const std::vector<Case>& cases);
void bad_input(const std::vector<Case>& cases, const std::filesystem::path& scratch);
void par04(const Case& rings, const Case& others);
void times(const std::vector<Case>& cases);

}  // namespace check
