// Streams frames through an AXI4-Stream core, clock after clock, without a simulator's interface.
//
// ports.h, written beside the model that Verilator makes, names the ports and their bytes. Does
// what stream_bench.py does with the bus models of cocotbext-axi: each side decides after a rising
// edge what it shows in the next cycle. What came out is judged by compiled_bench.py, which starts
// this with numbers and the names of files.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "Vcore.h"
#include "ports.h"
#include "verilated.h"

namespace {

using Bytes = std::vector<uint8_t>;
using Words = std::vector<uint32_t>;

// Element after element, little endian, as the machine stores it: Verilator runs on no other.
template <typename T>
std::vector<T> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "compiled_bench: %s must be a file that can be read\n", path.c_str());
        std::exit(2);
    }
    const Bytes all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<T> values(all.size() / sizeof(T));
    std::memcpy(values.data(), all.data(), values.size() * sizeof(T));
    return values;
}

// Ports of up to 64 bits are integers, wider ones structs of words: bytes alike, lowest first.
template <typename Port>
void set_port(Port& port, const uint8_t* bytes, size_t count) {
    Port value{};
    std::memcpy(static_cast<void*>(&value), bytes, count);
    port = value;
}

template <typename Port>
void get_port(const Port& port, uint8_t* bytes, size_t count) {
    std::memcpy(bytes, &port, count);
}

// Runs of cycles, free and stalled in turn; from the beginning again when they are used up.
class Pauses {
public:
    explicit Pauses(const std::string& path)
        : m_runs(path == "-" ? Words() : read_file<uint32_t>(path)) {}

    void start() {
        m_next = 0;
        m_paused = true;
        m_left = 0;
        m_on = !m_runs.empty();
    }
    void stop() { m_on = false; }

    bool next_cycle() {
        if (!m_on) return false;
        while (m_left == 0) {
            m_paused = !m_paused;
            m_left = m_runs[m_next];
            m_next = (m_next + 1) % m_runs.size();
        }
        --m_left;
        return m_paused;
    }

private:
    Words m_runs;
    size_t m_next = 0;
    uint32_t m_left = 0;
    bool m_paused = true;
    bool m_on = false;
};

struct OutFrame {
    uint64_t begin, end;  // cycles of its first and last beat
    uint64_t beats;
};

class Bench {
public:
    Bench(char** args)
        : m_data(read_file<uint8_t>(args[1])),
          m_lengths(read_file<uint32_t>(args[2])),
          m_pause_in(args[3]),
          m_pause_out(args[4]),
          m_moments(read_file<uint32_t>(args[5])),
          m_patience(std::strtoull(args[6], nullptr, 10)),
          m_drain(std::strtoull(args[7], nullptr, 10)),
          m_alone(args[8][0] == '1'),
          m_words(read_file<uint32_t>(args[9])),
          m_loads(read_file<uint32_t>(args[10])),
          m_pause_weights(args[11]),
          m_core(new Vcore(&m_context)) {
        size_t begin = 0;
        for (const uint32_t beats : m_lengths) {
            m_begins.push_back(begin);
            begin += size_t(beats) * IN_BYTES;
        }
    }

    void run() {
        m_core->RESET = 1;
        show();
        wait(6);
        m_core->RESET = 0;
        wait(2);
        for (size_t k = 0; k + 1 < m_moments.size(); k += 2) interrupt(m_moments[k], m_moments[k + 1]);
        if (m_alone && !measure_latency()) return;
        stream();
    }

    void write(const std::string& bytes, const std::string& frames, const std::string& facts) {
        std::ofstream(bytes, std::ios::binary)
            .write(reinterpret_cast<const char*>(m_out.data()), std::streamsize(m_out.size()));
        std::ofstream(frames, std::ios::binary)
            .write(reinterpret_cast<const char*>(m_frames.data()),
                   std::streamsize(m_frames.size() * sizeof(OutFrame)));
        std::ofstream(facts) << m_facts << "part " << m_open << "\ncycles " << m_cycle - 1 << "\n";
    }

    ~Bench() { m_core->final(); }

private:
    // After what is shown to the core has changed: its outputs, before the next rising edge.
    void show() {
        m_core->CLOCK = 0;
        m_core->eval();
    }

    // One rising edge: what passes in it, then what both sides show from then on.
    void edge() {
        const bool sent = m_core->IN_VALID && m_core->IN_READY;
        const bool taken = m_core->OUT_VALID && m_core->OUT_READY;
        watch();
        if (taken) take();
        const bool loaded = weights_sent();
        m_core->CLOCK = 1;
        m_core->eval();
        if (loaded) told_loaded();
        const bool pause_weights = m_pause_weights.next_cycle();
        const bool pause_in = m_pause_in.next_cycle(), pause_out = m_pause_out.next_cycle();
        if (!m_core->RESET) {
            if (sent) ++m_beats_in;
            if (sent && m_core->IN_LAST) ++m_frames_in;
            send_weights(loaded, !pause_weights);
            if (sent || !m_core->IN_VALID) send(!pause_in);
            m_core->OUT_READY = !pause_out;
        }
        show();
        ++m_cycle;
    }

    void wait(uint64_t cycles) {
        while (cycles-- > 0) edge();
    }

    // While a beat waits it must stay as it is.
    void watch() {
        Bytes now(OUT_BYTES + 1);
        get_port(m_core->OUT_DATA, now.data(), OUT_BYTES);
        now[OUT_BYTES] = m_core->OUT_LAST;
        const bool kept = m_core->OUT_VALID && now == m_waiting_beat;
        if (m_waiting && !kept && m_unsteady++ == 0)
            m_facts += "unsteady " + std::to_string(m_cycle) + "\n";
        m_waiting = m_core->OUT_VALID && !m_core->OUT_READY && !m_core->RESET;
        if (m_waiting) m_waiting_beat.swap(now);
    }

    void take() {
        ++m_beats_out;
        if (!m_open) m_frames.push_back({m_cycle, 0, 0});
        OutFrame& frame = m_frames.back();
        m_out.resize(m_out.size() + OUT_BYTES);
        get_port(m_core->OUT_DATA, &m_out[m_out.size() - OUT_BYTES], OUT_BYTES);
        frame.end = m_cycle;
        ++frame.beats;
        m_open = !m_core->OUT_LAST;
    }

    // The next beat of the frames that wait, if there is one.
    void send(bool free) {
        const bool valid = free && m_frame < m_queued && (m_beat > 0 || !load_is_due(m_frame));
        m_core->IN_VALID = valid;
        m_core->IN_LAST = 0;
        if (!valid) return;
        const size_t index = m_frame % m_lengths.size();
        set_port(m_core->IN_DATA, &m_data[m_begins[index] + m_beat * IN_BYTES], IN_BYTES);
        if (++m_beat == m_lengths[index]) {
            m_core->IN_LAST = 1;
            m_beat = 0;
            ++m_frame;
        }
    }

    // Whether a set of weights comes before frame `frame`: three numbers each, before which frame,
    // how many words, and whether that is as it should be.
    bool load_is_due(size_t frame) const {
        return m_load < m_loads.size() && m_loads[m_load] <= frame;
    }

#ifdef WEIGHTS_DATA
    bool weights_sent() const { return m_core->WEIGHTS_VALID && m_core->WEIGHTS_READY; }

    // After the last word of a set: what the core says of it.
    void told_loaded() {
        if (!m_core->WEIGHTS_LAST) return;
        m_facts += "loaded " + std::to_string(m_load / 3) + " "
            + std::to_string(int(m_core->WEIGHTS_LOADED)) + " "
            + std::to_string(int(m_core->WEIGHTS_ERROR)) + "\n";
        m_load += 3;
        m_word = 0;
    }

    // The next word of the set that is due once the frames before it have gone in.
    void send_weights(bool sent, bool free) {
        if (!sent && m_core->WEIGHTS_VALID) return;
        const bool valid = free && load_is_due(m_frames_in);
        m_core->WEIGHTS_VALID = valid;
        m_core->WEIGHTS_LAST = 0;
        if (!valid) return;
        size_t begin = 0;
        for (size_t k = 0; k < m_load; k += 3) begin += m_loads[k + 1];
        m_core->WEIGHTS_DATA = m_words[begin + m_word];
        m_core->WEIGHTS_LAST = ++m_word == m_loads[m_load + 1];
    }

    void forget_weights() {
        m_core->WEIGHTS_VALID = m_core->WEIGHTS_LAST = 0;
        m_load = m_word = 0;
    }
#else
    bool weights_sent() const { return false; }
    void told_loaded() {}
    void send_weights(bool, bool) {}
    void forget_weights() {}
#endif

    void forget() {
        m_frame = m_queued = m_beat = m_frames_in = 0;
        m_frames.clear();
        m_out.clear();
        m_open = false;
    }

    size_t whole() const { return m_frames.size() - m_open; }

    // Until so many whole frames have come out; false if none comes in time.
    bool receive(size_t frames, bool tell) {
        size_t seen = whole();
        uint64_t begin = m_cycle;
        while (seen < frames) {
            if (m_cycle - begin > m_patience) {
                m_facts += "silent 1\n";
                return false;
            }
            edge();
            if (whole() == seen) continue;
            seen = whole();
            begin = m_cycle;
            if (tell) progress(seen, frames);
        }
        return true;
    }

    bool measure_latency() {
        m_queued = 1;
        m_beats_in = 0;
        uint64_t begin = 0;
        for (uint64_t k = 0; k < m_patience && m_beats_in == 0; ++k) {
            begin = m_cycle;
            edge();
        }
        if (m_beats_in == 0) m_facts += "deaf 1\n";
        if (m_beats_in == 0 || !receive(1, false)) return false;
        m_facts += "latency " + std::to_string(m_frames[0].begin - begin) + "\n";
        forget();
        return true;
    }

    void stream() {
        m_queued = m_lengths.size();
        m_pause_in.start();
        m_pause_out.start();
        m_pause_weights.start();
        if (!receive(m_lengths.size(), true)) return;
        m_pause_in.stop();
        m_pause_out.stop();
        m_pause_weights.stop();
        wait(m_drain);
        m_facts += "left_in " + std::to_string(m_frame < m_queued || m_core->IN_VALID) + "\n";
        m_facts += "frame_error " + std::to_string(int(m_core->FRAME_ERROR)) + "\n";
    }

    // Reset once so many beats have gone in and out.
    void interrupt(uint64_t beats, uint64_t out_beats) {
        m_queued = 2 + beats / m_lengths[0];
        m_beats_in = m_beats_out = 0;
        uint64_t waited = 0;
        while ((m_beats_in < beats || m_beats_out < out_beats) && waited++ < m_patience) edge();
        if (m_beats_in < beats || m_beats_out < out_beats)
            m_facts += "interrupt " + std::to_string(beats) + " " + std::to_string(out_beats) + " "
                + std::to_string(beats - m_beats_in) + " " + std::to_string(out_beats - m_beats_out)
                + "\n";
        m_core->RESET = 1;
        m_core->IN_VALID = m_core->IN_LAST = m_core->OUT_READY = 0;
        forget_weights();
        forget();
        show();
        wait(2);
        if (m_core->OUT_VALID) m_facts += "valid_in_reset 1\n";
        wait(2);
        m_core->RESET = 0;
        wait(2);
    }

    void progress(size_t done, size_t total) {
        using std::chrono::steady_clock;
        const auto now = steady_clock::now();
        if (done < total && now < m_tell) return;
        std::printf("frames %zu of %zu\n", done, total);
        std::fflush(stdout);
        m_tell = now + std::chrono::milliseconds(200);
    }

    Bytes m_data;
    Words m_lengths;
    Pauses m_pause_in, m_pause_out;
    Words m_moments;
    uint64_t m_patience, m_drain;
    bool m_alone;
    Words m_words, m_loads;
    Pauses m_pause_weights;
    VerilatedContext m_context;
    std::unique_ptr<Vcore> m_core;

    std::vector<size_t> m_begins;
    size_t m_queued = 0, m_frame = 0, m_beat = 0, m_frames_in = 0, m_load = 0, m_word = 0;
    uint64_t m_cycle = 0, m_beats_in = 0, m_beats_out = 0, m_unsteady = 0;
    Bytes m_out, m_waiting_beat;
    std::vector<OutFrame> m_frames;
    bool m_open = false, m_waiting = false;
    std::string m_facts;
    std::chrono::steady_clock::time_point m_tell{};
};

}  // namespace

// DATA LENGTHS PAUSES_IN PAUSES_OUT MOMENTS PATIENCE DRAIN ALONE WEIGHTS LOADS PAUSES_WEIGHTS
// OUT_BYTES OUT_FRAMES FACTS
int main(int argc, char** argv) {
    if (argc != 15) {
        std::fprintf(stderr, "compiled_bench: there must be 14 arguments, not %d\n", argc - 1);
        return 2;
    }
    Bench bench(argv);
    bench.run();
    bench.write(argv[12], argv[13], argv[14]);
    return 0;
}
