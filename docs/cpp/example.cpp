// Showers from an exported bundle on the command line.
//
//     calosim_example BUNDLE --energies 1024 16384 --events 1000 --seed 1 --out showers.csv
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "calosim.hpp"

namespace {

const char* const usage =
    "usage: calosim_example BUNDLE --energies E [E ...] [--events N] [--direction X Y Z] [--position X Y Z]\n"
    "           [--seed S] [--backend dense|onnx|litert|tensorflow] [--threads N] [--threshold MEV]\n"
    "           [--no-clip | --keep-energy] [--extrapolate] [--out FILE]\n"
    "Energies are in MeV, positions in mm.  --out writes lines of shower, cell, MeV; otherwise a summary is printed.\n";

struct Request {
    std::string bundle, out;
    std::vector<double> energies;
    calosim::Vector3 direction{0.0, 0.0, 1.0}, position_mm{0.0, 0.0, 0.0};
    std::size_t events = 1;
    std::uint64_t seed = 0;
    int threads = 1;
    calosim::Options options;
};

/// Words of the command line, one after another.
class Words {
public:
    Words(int count, char** words) : words_(words + 1, words + count) {}

    bool left() const { return next_ < words_.size(); }
    bool option_next() const { return left() && words_[next_].rfind("--", 0) == 0; }
    std::string take(const std::string& option) {
        if (!left()) calosim::fail(option, ": found nothing behind it, expected a value");
        return words_[next_++];
    }
    double number(const std::string& option) {
        const std::string word = take(option);
        char* end = nullptr;
        const double value = std::strtod(word.c_str(), &end);
        if (word.empty() || *end != '\0') calosim::fail(option, ": found '", word, "', expected a number");
        return value;
    }
    std::uint64_t whole(const std::string& option, double most) {
        const double value = number(option);
        if (!(value >= 0.0 && value <= most) || value != std::floor(value)) {
            calosim::fail(option, ": found ", value, ", expected a whole number from 0 to ", most);
        }
        return static_cast<std::uint64_t>(value);
    }

private:
    std::vector<std::string> words_;
    std::size_t next_ = 0;
};

void read_option(const std::string& option, Words& words, Request& request) {
    const auto vector = [&] {
        return calosim::Vector3{words.number(option), words.number(option), words.number(option)};
    };
    if (option == "--energies") {
        while (words.left() && !words.option_next()) request.energies.push_back(words.number(option));
    } else if (option == "--events")
        request.events = words.whole(option, 1e9);
    else if (option == "--direction")
        request.direction = vector();
    else if (option == "--position")
        request.position_mm = vector();
    else if (option == "--seed")
        request.seed = words.whole(option, 9007199254740992.0);
    else if (option == "--backend")
        request.options.backend = words.take(option);
    else if (option == "--threads")
        request.threads = static_cast<int>(words.whole(option, 1e6));
    else if (option == "--threshold")
        request.options.threshold_mev = words.number(option);
    else if (option == "--no-clip")
        request.options.negative = calosim::Negative::keep;
    else if (option == "--keep-energy")
        request.options.negative = calosim::Negative::keep_energy;
    else if (option == "--extrapolate")
        request.options.extrapolate = true;
    else if (option == "--out")
        request.out = words.take(option);
    else
        calosim::fail("found option ", option, ", expected one of those that --help lists");
}

Request read_request(int count, char** arguments) {
    Words words(count, arguments);
    Request request;
    while (words.left()) {
        const bool option = words.option_next();
        const std::string word = words.take("");
        if (option) {
            read_option(word, words, request);
        } else if (request.bundle.empty()) {
            request.bundle = word;
        } else {
            calosim::fail("found '", word, "', expected an option: --help lists them");
        }
    }
    if (request.bundle.empty()) calosim::fail("BUNDLE: found none, expected the folder of an exported bundle");
    if (request.energies.empty()) calosim::fail("--energies: found none, expected incident energies in MeV");
    return request;
}

void write(const std::string& path, const std::vector<calosim::Shower>& showers, std::size_t first, bool begin) {
    std::ofstream file(path, begin ? std::ios::trunc : std::ios::app);
    if (begin) file << "shower,cell,mev\n";
    file.precision(std::numeric_limits<float>::max_digits10);
    for (std::size_t i = 0; i < showers.size(); ++i) {
        for (const auto& [cell, mev] : showers[i]) file << first + i << ',' << cell << ',' << mev << '\n';
    }
    if (!file.flush()) calosim::fail("--out ", path, ": cannot be written");
}

/// What is printed of the showers of an energy.
struct Summary {
    double mev = 0.0, cells = 0.0;
    std::size_t showers = 0;
    calosim::Shower first{};

    void add(const std::vector<calosim::Shower>& made) {
        if (showers == 0) first = made[0];
        showers += made.size();
        for (const auto& shower : made) {
            cells += static_cast<double>(shower.size());
            for (const auto& deposit : shower) mev += deposit.mev;
        }
    }

    void print(double energy_mev) const {
        const auto n = static_cast<double>(showers);
        std::printf("%g MeV: %zu showers, on average %.5g MeV in %.4g cells; the first:", energy_mev, showers, mev / n,
                    cells / n);
        for (std::size_t i = 0; i < std::min<std::size_t>(3, first.size()); ++i) {
            std::printf(" cell %u %.5g MeV", first[i].cell, static_cast<double>(first[i].mev));
        }
        std::printf("%s\n", first.size() > 3 ? " ..." : "");
    }
};

void run(const Request& request) {
    constexpr std::size_t at_a_time = 4096;
    const calosim::Generator generator(request.bundle, request.options);
    calosim::Team team(generator, request.threads);
    std::fprintf(stderr, "%s: %s, %zu cells, back end %s\n", request.bundle.c_str(),
                 generator.sidecar().experiment.c_str(), generator.sidecar().n_cells,
                 generator.options().backend.c_str());
    if (request.events == 0) calosim::fail("--events: found 0, expected at least 1");
    for (const double energy : request.energies) generator.route(energy);  // before anything is made
    std::uint64_t number = 0;
    for (const double energy : request.energies) {
        Summary summary;
        for (std::size_t first = 0; first < request.events; first += at_a_time) {
            const std::size_t count = std::min(at_a_time, request.events - first);
            const std::vector<calosim::Particle> particles(
                count, calosim::Particle{energy, request.direction, request.position_mm});
            std::vector<calosim::Shower> showers(count);
            team.generate(particles.data(), count, request.seed, number, showers.data());
            if (!request.out.empty()) write(request.out, showers, number, number == 0);
            summary.add(showers);
            number += count;
        }
        summary.print(energy);
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
        std::cout << usage;
        return 0;
    }
    try {
        run(read_request(count, arguments));
        return 0;
    } catch (const calosim::Error& error) {
        std::cerr << "calosim_example: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "calosim_example: " << error.what() << '\n';
        return 1;
    }
}
