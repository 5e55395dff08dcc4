// Input that cannot be used: an Error of one line each, never a crash.
#include <algorithm>
#include <cmath>
#include <random>

#include "check.hpp"

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

void refused(const std::string& what, const std::string& message, const std::string& word) {
    check::expect(message.find(word) != std::string::npos, what + ": found '" + message + "', expected " + word);
}

void accepted(const std::string& what, const std::string& message) {
    check::expect(message.empty(), what + ": found '" + message + "', expected no error");
}

std::string error_of_bundle(const fs::path& folder, const std::string& backend = "") {
    calosim::Options options;
    options.backend = backend;
    return check::error_of([&] { const calosim::Generator generator(folder, options); });
}

void particles(const calosim::Generator& generator) {
    calosim::Generator::Workspace space(generator);
    calosim::Shower shower;
    const auto error = [&](const calosim::Particle& particle) {
        return check::error_of([&] { generator.generate(&particle, 1, 0, 0, space, &shower); });
    };
    refused("no energy", error({0.0}), "above 0");
    refused("negative energy", error({-5.0}), "above 0");
    refused("energy that is no number", error({std::nan("")}), "above 0");
    refused("infinite energy", error({HUGE_VAL}), "above 0");
    refused("energy beyond the range", error({1e9}), "trained on");
    refused("backwards", error({16384.0, {0.0, 0.0, -1.0}}), "into the calorimeter");
    refused("no direction", error({16384.0, {0.0, 0.0, 0.0}}), "into the calorimeter");
    refused("position that is no number", error({16384.0, {0.0, 0.0, 1.0}, {std::nan(""), 0.0, 0.0}}), "not finite");
    refused("more threads than cores", check::error_of([&] { calosim::Team team(generator, 100'000); }), "cores");
    refused("no threads", check::error_of([&] { calosim::Team team(generator, 0); }), "threads: found 0");
    // a team goes on after an error
    calosim::Team team(generator, calosim::usable_cores());
    std::vector<calosim::Particle> many(1000, calosim::Particle{16384.0});
    std::vector<calosim::Shower> showers(many.size());
    many[900].energy_mev = -1.0;
    refused("one of many", check::error_of([&] { team.generate(many.data(), many.size(), 0, 0, showers.data()); }),
            "above 0");
    many[900].energy_mev = 16384.0;
    accepted("after an error", check::error_of([&] { team.generate(many.data(), many.size(), 0, 0, showers.data()); }));
}

void bundles(const fs::path& sound, const fs::path& folder) {
    refused("no bundle", error_of_bundle(folder / "nowhere"), "no such file");
    refused("unknown back end", error_of_bundle(sound, "abacus"), "back end");
    const std::string sidecar = text_of(sound / "sidecar.json");
    const auto with = [&](const std::string& text) {
        fs::remove_all(folder);
        fs::copy(sound, folder, fs::copy_options::recursive);
        write(folder / "sidecar.json", text);
        return error_of_bundle(folder);
    };
    refused("empty sidecar", with(""), "no JSON");
    refused("half a sidecar", with(sidecar.substr(0, sidecar.size() / 2)), "no JSON");
    refused("a list", with("[1, 2]"), "sidecar");
    refused("another schema", with("{\"schema\": 99}"), "schema");
    calosim::Json changed = calosim::Json::parse(sidecar);
    changed["networks"] = calosim::Json::array();
    refused("no network", with(changed.dump()), "no network");
    changed = calosim::Json::parse(sidecar);
    for (auto& network : changed["networks"]) network["files"] = calosim::Json::object();
    refused("a format that was not compiled", with(changed.dump()), "format");
    changed = calosim::Json::parse(sidecar);
    for (auto& network : changed["networks"]) {
        for (auto& files : network["files"]) files[0]["path"] = "../../etc/passwd";
    }
    refused("a path out of the bundle", with(changed.dump()), "plain name");
    with(sidecar);
    for (const auto& file : calosim::files_of(folder)) {
        if (file.filename() == "sidecar.json") continue;
        std::string bytes = text_of(file);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        write(file, bytes);
    }
    refused("damaged files", error_of_bundle(folder), "sha256");
    for (const auto& file : calosim::files_of(folder)) {
        if (file.filename() != "sidecar.json") fs::resize_file(file, fs::file_size(file) / 2);
    }
    refused("short files", error_of_bundle(folder), "bytes");
    for (const auto& file : calosim::files_of(folder)) {
        if (file.filename() != "sidecar.json") fs::remove(file);
    }
    refused("no files", error_of_bundle(folder), "no such file");
}

/// A text with bytes changed, cut out and doubled.
std::string damaged(std::string text, std::mt19937& random) {
    const auto place = [&] { return std::uniform_int_distribution<std::size_t>(0, text.size() - 1)(random); };
    for (int times = 1 + static_cast<int>(random() % 3); times > 0 && !text.empty(); --times) {
        const std::size_t at = place();
        switch (random() % 4) {
            case 0:
                text[at] = static_cast<char>(random());
                break;
            case 1:
                text[at] = "0123456789-.e\"{}[],:"[random() % 20];
                break;
            case 2:
                text.erase(at, 1 + random() % 30);
                break;
            default:
                text.insert(at, text.substr(place(), 1 + random() % 30));
        }
    }
    return text;
}

void damaged_sidecars(const fs::path& sound, const fs::path& folder) {
    std::mt19937 random(1);
    const std::string sidecar = text_of(sound / "sidecar.json");
    int read = 0;
    for (int i = 0; i < 300; ++i) {
        write(folder / "sidecar.json", damaged(sidecar, random));
        read += check::error_of([&] { calosim::read_sidecar(folder); }).empty();
    }
    check::expect(read < 270, "damaged sidecars are noticed");
}

#ifdef CALOSIM_WITH_DENSE
/// Networks whose sum is right and whose content is not: what a hostile file would be.
void damaged_networks(const fs::path& folder) {
    const std::string graph =
        R"({"inputs": [{"name": "latent", "variables": [{"name": "a", "offset": 0.0, "scale": 1.0}]},
        {"name": "condition", "variables": [{"name": "b", "offset": 0.5, "scale": 2.0}]}], "input_sequences": [],
        "layers": [{"architecture": "dense", "weights": [1, 2, 3, 4, 5, 6], "bias": [0, 1, 0],
        "activation": {"function": "swish", "alpha": 1.0}}, {"architecture": "dense", "weights": [1, 2, 3, 4, 5, 6],
        "bias": [0.5, 0], "activation": "softmax"}], "nodes": [{"type": "input", "sources": [0], "size": 1},
        {"type": "input", "sources": [1], "size": 1}, {"type": "concatenate", "sources": [0, 1]},
        {"type": "feed_forward", "sources": [2], "layer_index": 0}, {"type": "feed_forward", "sources": [3],
        "layer_index": 1}], "outputs": {"showers": {"node_index": 4, "labels": ["out_0", "out_1"]}}})";
    std::mt19937 random(2);
    int read = 0;
    for (int i = 0; i <= 1000; ++i) {
        write(folder / "net.json", i == 0 ? graph : damaged(graph, random));
        calosim::ModelFile file;
        file.path = "net.json";
        file.bytes = calosim::size_of(folder / "net.json");
        file.sha256 = calosim::sum_of(folder / "net.json");
        const std::string error = check::error_of([&] {
            const calosim::DenseBackend backend(folder, file, {1, 1, 2});
            const auto runner = backend.runner(3);
            runner->run(1);
            runner->run(3);
        });
        if (i == 0) accepted("a sound network", error);
        read += error.empty();
    }
    check::expect(read < 900, "damaged networks are noticed");
}
#endif

}  // namespace

void check::bad_input(const std::vector<Case>& cases, const fs::path& scratch) {
    for (const Case& reference : cases) {
        const calosim::Sidecar sidecar = calosim::read_sidecar(reference.bundle);
        const auto& kinds = calosim::backend_kinds();
        const auto runs = [&sidecar](const auto& kind) { return calosim::holds(sidecar, kind); };
        if (std::any_of(kinds.begin(), kinds.end(), runs)) particles(calosim::Generator(reference.bundle));
    }
    bundles(cases.at(0).bundle, scratch);
    damaged_sidecars(cases.at(1).bundle, scratch);
#ifdef CALOSIM_WITH_DENSE
    damaged_networks(scratch);
#endif
    fs::remove_all(scratch);
}
