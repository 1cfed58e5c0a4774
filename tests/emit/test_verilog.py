# amaranth: UnusedElaboratable=no
"""Amaranth to Verilog: names, and a Yosys that does not do its work."""

import re
import stat

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.emit import to_verilog
from hwgen.emit import verilog as module
from hwgen.emit.verilog import module_name, plain_names, short_blocks, stream_signals
from hwgen.numeric import SpecError
from hwgen.rtl.text import to_rtlil
from hwgen.toolchain import ToolError, ToolInfo, run

HEAD = "module \\top.stage (i, \\o__payload$3 , o__valid, o__ready, clk);\nendmodule\n"


class Register(wiring.Component):
    i: In(stream.Signature(4))
    o: Out(stream.Signature(4))

    def elaborate(self, platform):
        m = Module()
        with m.If(self.o.ready | ~self.o.valid):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class Pair(wiring.Component):
    i: In(stream.Signature(4))
    o: Out(stream.Signature(4))

    def elaborate(self, platform):
        m = Module()
        m.submodules.first = first = Register()
        m.submodules.second = second = Register()
        wiring.connect(m, wiring.flipped(self.i), first.i)
        wiring.connect(m, first.o, second.i)
        wiring.connect(m, second.o, wiring.flipped(self.o))
        return m


@pytest.mark.synth
def test_verilog_has_no_numbered_names_and_names_no_tool(tmp_path):
    text = to_verilog(Pair(), "pair", folder=tmp_path)
    assert text.startswith("// pair: generated, see manifest.json\n")
    assert "Yosys" not in text
    assert not re.search(r"\\\w+\$\d+ ", text)
    signals = stream_signals(text, "pair.first", "o")
    assert signals == {"payload": "o__payload", "valid": "o__valid", "ready": "o__ready"}


@pytest.mark.parametrize(("name", "expected"), [
    ("digits-binary", "digits_binary"), ("net2", "net2"), ("module", "module_"), ("a", "a"),
    ("hwgen-add", "hwgen_add_"), ("hwgen_count3", "hwgen_count3_")])
def test_module_name_needs_no_escape(name, expected):
    assert module_name(name) == expected


def test_module_name_that_is_none():
    with pytest.raises(SpecError) as caught:
        module_name("2nd net")
    assert str(caught.value) == ("name must start with a letter and hold letters, digits, '_',"
                                 " '-', not '2nd net'")


def test_plain_names_never_meet_another_name():
    assert plain_names("wire \\a$1 ;") == "wire a_1 ;"
    assert plain_names("wire a_1; wire \\a$1 ;\nwire \\b$2\n;") == \
        "wire a_1; wire a__1 ;\nwire b__2\n;"
    same = "wire \\a$1.x ; wire \\$auto$3 ; wire \\a[0] ;"
    assert plain_names(same) == same


@pytest.mark.parametrize(("rows", "blocks"), [(1, 1), (64, 1), (65, 2), (1000, 16)])
def test_contents_of_a_memory_in_short_blocks(rows, blocks):
    lines = [f"    rows[{i}] = 8'h{i % 256:02x};\n" for i in range(rows)]
    head, tail = "  reg [7:0] rows [999:0];\n", "  always @(posedge clk) begin\n  end\n"
    text = short_blocks(f"{head}  initial begin\n{''.join(lines)}  end\n{tail}")
    assert text.startswith(f"{head}  initial begin\n")
    assert text.endswith(f"  end\n{tail}")
    assert [line for line in text.splitlines(keepends=True) if line in lines] == lines
    assert text.count("  initial begin\n") == blocks
    within = re.findall(r"  initial begin\n(.*?)  end\n", text, re.DOTALL)
    assert max(part.count("\n") for part in within) == min(rows, 64)


def test_stream_signals_are_read_from_the_ports():
    assert stream_signals(plain_names(HEAD), "top.stage", "o") == {
        "payload": "o__payload_3", "valid": "o__valid", "ready": "o__ready"}


def test_stream_signals_that_are_not_there():
    with pytest.raises(SpecError) as caught:
        stream_signals(HEAD, "top.other", "o")
    assert str(caught.value) == "Verilog must hold one module 'top.other', not 0"
    with pytest.raises(SpecError) as caught:
        stream_signals(HEAD, "top.stage", "x")
    assert str(caught.value) == "module 'top.stage' must have one port x__payload, not []"


def test_yosys_that_writes_nothing_is_found_out(tmp_path, monkeypatch):
    script = tmp_path / "yosys"
    script.write_text("#!/bin/sh\necho all is well\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    lazy = ToolInfo(name="yosys", kind="native", path=str(script), version="0")
    monkeypatch.setattr(module, "run", lambda name, args, **rest: run(lazy, args, **rest))
    with pytest.raises(ToolError) as caught:
        to_verilog(Register(), "register", folder=tmp_path)
    assert caught.value.reason == "yosys must write design.v, and did not"
    assert caught.value.tail == ("all is well",)


def test_only_components_become_text():
    with pytest.raises(TypeError, match=r"^component must be an Amaranth Component, not 3$"):
        to_rtlil(3, "three")
