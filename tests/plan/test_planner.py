"""The planner: which core, which folding, and every refusal with its full text."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, binary, fixed, sparse
from cases.targets import ECP5, UP5K

from hwgen.ir import Dense, Input, MatVec, Network, Thermometer
from hwgen.numeric import Bipolar, Codebook, Fixed, PowerOfTwo, SpecError
from hwgen.plan import FitError, plan, require_fit
from hwgen.plan.matrix_core import default_core
from hwgen.plan.planner import DEFAULT_INTERVALS, misfits
from hwgen.plan.stages import divisors
from hwgen.plan.stages.sparse_timing import SparseTiming


def one_matrix(n_out=8, n_in=12, *, fmt=None, x=None, post=None, fill=1):
    """Input ``x`` and one matrix, which is all bipolar unless formats are given."""
    weights = Dense(np.full((n_out, n_in), fill), fmt or Bipolar())
    nodes = [Input("x", (), (n_in,), x or Bipolar()), MatVec("fc", ("x",), weights)]
    nodes += [post] if post else []
    return Network("net", nodes, (nodes[-1].name,))


def cores_of(network, **options):
    return {stage.name: stage.core for stage in plan(network, ECP5, **options).stages}


# -- the choice of a core --------------------------------------------------------------------------

def test_bipolar_matrices_of_bipolar_values_go_to_the_binary_core():
    assert cores_of(binary()) == {
        "code": "thermometer", "fc1": "binary", "fc2": "binary", "fc3": "binary",
        "argmax": "argmax"}


def test_integers_go_to_the_fixed_core_and_matrices_of_mostly_zeros_to_the_sparse_one():
    assert set(cores_of(fixed()).values()) == {"fixed", "argmax"}
    assert set(cores_of(sparse()).values()) == {"sparse", "argmax"}


@pytest.mark.parametrize(("nonzeros", "core"), [(30, "sparse"), (31, "fixed")])
def test_sparse_up_to_a_density_of_30_percent(nonzeros, core):
    weights = np.zeros((10, 10), int)
    weights.flat[:nonzeros] = 1
    node = MatVec("fc", ("x",), Dense(weights, Fixed(4)))
    network = Network("net", [Input("x", (), (10,), Fixed(4)), node], ("fc",))
    assert default_core(node, network.edges["x"]) == core


def test_a_core_can_be_chosen_by_hand():
    assert cores_of(fixed(), cores={"fc2": {"core": "sparse"}})["fc2"] == "sparse"
    assert cores_of(sparse(), cores={"fc1": {"core": "fixed"}})["fc1"] == "fixed"


# -- foldings and intervals ------------------------------------------------------------------------

@pytest.mark.parametrize("case", ["binary", "fixed", "sparse", "binary-one-score", "fixed-ones"])
@pytest.mark.parametrize("interval", [16, 30, 77, 154, 5000])
def test_every_stage_reaches_the_interval(case, interval):
    design = plan(NETWORKS[case](), ECP5, interval_cycles=interval)
    assert max(stage.interval_cycles for stage in design.stages) <= interval
    assert design.interval_cycles <= interval


def test_a_longer_interval_never_takes_more_cells():
    estimates = [plan(binary(sizes=(12, 96, 64, 10)), ECP5, interval_cycles=interval).estimate.lut
                 for interval in (40, 100, 400, 2000)]
    assert estimates == sorted(estimates, reverse=True)
    assert estimates[-1] < estimates[0] / 2


@pytest.mark.parametrize(("interval", "lanes"), [(100, 1), (6, 1), (5, 2), (3, 2), (2, 3), (1, 6)])
def test_a_thermometer_takes_no_more_lanes_than_the_interval_asks_for(interval, lanes):
    nodes = [Input("x", (), (6,), Fixed(4)), Thermometer("code", ("x",), [0, 3])]
    design = plan(Network("net", nodes, ("code",)), ECP5, interval_cycles=interval)
    assert design.stages[0].lanes == lanes


def test_the_other_stages_are_folded_for_the_slowest():
    design = plan(fixed(sizes=(16, 16, 16)), ECP5, cores={"fc1": {"pe": 1, "simd": 1}})
    assert design.stages[0].interval_cycles == design.interval_cycles == 256
    assert design.stages[1].pe * design.stages[1].simd == 1


def test_no_folding_with_fewer_multipliers_would_do():
    stage = plan(one_matrix(fmt=Fixed(4), x=Fixed(4)), ECP5, interval_cycles=20).stages[0]
    assert 96 / 20 <= stage.pe * stage.simd == 6    # of the divisors of 8 and 12


def test_given_foldings_are_taken_and_the_rest_is_free():
    design = plan(binary(), ECP5, cores={"fc1": {"pe": 7}, "fc2": {"pe": 11, "simd": 2}})
    assert design.stages[1].folding["pe"] == 7
    assert (design.stages[2].folding["pe"], design.stages[2].folding["simd"]) == (11, 2)
    free = plan(sparse(), ECP5, cores={"fc2": {"pe": 2, "queue_depth": 3}}).stages[1]
    assert free.folding == {"pe": 2, "queue_depth": 3}


def test_without_an_interval_it_is_the_fastest_that_fits():
    network = fixed(sizes=(32, 48, 10))
    whole = plan(network, ECP5)
    assert DEFAULT_INTERVALS[0] == 16
    assert whole.interval_cycles <= 16
    small = replace(ECP5, luts=5000, dsps=20)
    design = plan(network, small)
    assert misfits(design) == []
    faster = plan(network, ECP5, interval_cycles=next(
        i for i in DEFAULT_INTERVALS if i >= design.interval_cycles) // 2)
    assert misfits(replace(faster, target=small)) != []


def test_default_interval_may_be_as_long_as_the_given_folding_makes_it():
    design = plan(one_matrix(64, 64), ECP5, cores={"fc": {"pe": 1, "simd": 1}})
    assert design.interval_cycles == 4096


def test_registers_between_adders_follow_from_the_clock():
    slow, fast = (plan(one_matrix(), ECP5, interval_cycles=2, clk_hz=clk).stages[0]
                  for clk in (25_000_000, 150_000_000))
    assert (slow.levels_per_register, fast.levels_per_register) == (8, 1)
    assert plan(one_matrix(), ECP5).clk_hz == ECP5.clk_hz
    assert plan(one_matrix(), ECP5, clk_hz=1000).clk_hz == 1000


def test_registers_between_adders_follow_from_the_width_of_the_accumulator():
    wide = one_matrix(n_in=64, fmt=Fixed(16), x=Fixed(16), fill=30_000)
    [stage] = plan(wide, ECP5, interval_cycles=512, clk_hz=50_000_000).stages
    assert stage.acc_format.bits == 37
    assert stage.levels_per_register == 3
    [stage] = plan(one_matrix(), ECP5, interval_cycles=512, clk_hz=50_000_000).stages
    assert stage.levels_per_register == 4


def test_popcounts_are_made_for_the_luts_of_the_target():
    for family, lut_inputs in (("ecp5", 4), ("gowin", 4), ("xc7", 6)):
        design = plan(binary(), replace(ECP5, family=family), interval_cycles=64)
        stages = [stage for stage in design.stages if stage.core == "binary"]
        assert {stage.lut_inputs for stage in stages} == {lut_inputs}
    design = plan(binary(), replace(ECP5, family="xc7"), interval_cycles=64,
                  cores={"fc1": {"lut_inputs": 4}})
    assert next(stage for stage in design.stages if stage.name == "fc1").lut_inputs == 4


# -- refusals --------------------------------------------------------------------------------------

def refuses(message, network, *, error=SpecError, target=ECP5, **options):
    with refused(error, message):
        plan(network, target, **options)


def test_refuses_an_interval_that_cannot_be_reached():
    refuses("network 'case-binary': interval_cycles must be at least 15, which the binary core"
            " 'fc1' takes with pe = 14, simd = 1, levels_per_register = 4, planes = 1,"
            " not 8",
            binary(), interval_cycles=8, cores={"fc1": {"simd": 1}})
    refuses("network 'case-binary': interval_cycles must be at least 5, which the argmax core"
            " 'argmax' takes, not 4", binary(), interval_cycles=4)
    refuses("network 'case-fixed': interval_cycles must be at least 84, which the fixed core 'fc1'"
            " takes with pe = 1, simd = 1, levels_per_register = 4, not 83",
            fixed(sizes=(12, 7, 3)), interval_cycles=83, cores={"fc1": {"pe": 1, "simd": 1}})
    refuses("network 'case-fixed': interval_cycles must be at least 16, which the sparse core 'fc2'"
            " takes with pe = 1, queue_depth = 8, not 15", sparse(), interval_cycles=15,
            cores={"fc2": {"core": "sparse"}})


@pytest.mark.parametrize("what", ["interval_cycles", "clk_hz"])
def test_refuses_numbers_that_are_none(what):
    for value in (0, -5):
        refuses(f"{what} must be at least 1, not {value}", binary(), **{what: value})
    for value in (2.0, "64", True):
        refuses(f"{what} must be an int, not {value!r}", binary(), error=TypeError,
                **{what: value})


def test_refuses_what_is_no_network_and_no_mapping():
    with refused(TypeError, "network must be a Network, not 'a.hwgen'; load a file with"
                            " hwgen.load"):
        plan("a.hwgen", ECP5)
    for cores in ("fc", 5, ["fc"]):
        with refused(TypeError, "cores must be a mapping of node names, such as"
                                f" {{'fc1': {{'pe': 4}}}}, not {cores!r}"):
            plan(binary(), ECP5, cores=cores)


def test_refuses_unknown_names_cores_and_choices():
    names = "['fc1', 'fc2', 'fc3']"
    refuses(f"cores must name matrix nodes of 'case-binary' ({names}), not 'fc4'", binary(),
            cores={"fc4": {"pe": 1}})
    refuses(f"cores must name matrix nodes of 'case-binary' ({names}), not 'code'", binary(),
            cores={"code": {"lanes": 1}})
    for core in ("systolic", ["binary"]):
        refuses(f"core of 'fc1' must be one of ['binary', 'binary-unrolled', 'codebook',"
                f" 'depthwise', 'fixed', 'fixed-unrolled', 'nm', 'shift', 'sparse',"
                f" 'sparse-columns'],"
                f" not {core!r}", binary(), cores={"fc1": {"core": core}})
    refuses("choices of 'fc1' on the binary core must be among ['core', 'pe', 'simd',"
            " 'memory', 'levels_per_register', 'planes', 'lut_inputs', 'multipliers',"
            " 'weights'],"
            " not ['lanes', 'queue_depth']", binary(),
            cores={"fc1": {"queue_depth": 2, "lanes": 3}})
    refuses("choices of 'fc1' on the binary core must be among ['core', 'pe', 'simd',"
            " 'memory', 'levels_per_register', 'planes', 'lut_inputs', 'multipliers',"
            " 'weights'],"
            " not ['lanes', 'lutinputs']; did you mean 'lut_inputs'?", binary(),
            cores={"fc1": {"lutinputs": 4, "lanes": 3}})
    refuses("choices of 'fc1' on the sparse core must be among ['core', 'pe', 'queue_depth',"
            " 'simd', 'lanes', 'index', 'index_bits', 'values', 'pointers', 'block_rows',"
            " 'block_columns', 'multipliers'], not ['planes']",
            fixed(), cores={"fc1": {"core": "sparse", "planes": 3}})
    refuses("choices of 'fc1' must be a mapping such as {'pe': 4}, not 'binary'", binary(),
            error=TypeError, cores={"fc1": "binary"})


def test_refuses_foldings_that_do_not_divide():
    refuses("binary core 'fc1': pe must divide n_out = 14, not 4; choose from [1, 2, 7, 14]",
            binary(), cores={"fc1": {"pe": 4}})
    refuses("binary core 'fc1': simd must divide n_in = 15, not 2; choose from [1, 3, 5, 15]",
            binary(), cores={"fc1": {"simd": 2}})
    refuses("fixed core 'fc1': pe must divide n_out = 7, not 0; choose from [1, 7]",
            fixed(), cores={"fc1": {"pe": 0}})
    refuses("sparse core 'fc3': pe must be in 1..4, not 5", sparse(), cores={"fc3": {"pe": 5}})
    for value in ("4", 2.0, None, True):
        for core in ("fixed", "sparse"):
            refuses(f"{core} core 'fc1': pe must be an int, not {value!r}", fixed(),
                    error=TypeError, cores={"fc1": {"core": core, "pe": value}})


def test_refuses_a_core_that_cannot_compute_the_node():
    refuses("binary core 'fc': weights must be sums of bit planes, not power of two {0, +-1 .."
            " +-8}; choose the fixed core", one_matrix(fmt=PowerOfTwo(4)),
            cores={"fc": {"core": "binary"}})
    refuses("binary core 'fc': input must be sums of bit planes, not codebook of 3 values (-1..5);"
            " choose the fixed core", one_matrix(x=Codebook((-1, 2, 5))),
            cores={"fc": {"core": "binary"}})
    refuses("binary core 'fc': weight planes times input planes must be at most 64, not 8 * 9;"
            " choose the fixed core", one_matrix(fmt=Fixed(8), x=Fixed(9)),
            cores={"fc": {"core": "binary"}})
    refuses("fixed core 'fc1': input must be fixed point, not bipolar {-1, +1}", binary(),
            cores={"fc1": {"core": "fixed"}})


def test_refuses_what_does_not_fit_with_needs_and_supplies():
    refuses("network 'net' must fit board 'test-up5k' at interval 48, but DSP: needs about 16,"
            " of 8 usable. Allow a longer interval_cycles, a smaller network or a larger board",
            one_matrix(32, 48, fmt=Fixed(8), x=Fixed(8), fill=3), target=UP5K,
            error=FitError, interval_cycles=48)
    with pytest.raises(FitError) as caught:
        plan(one_matrix(2048, 2048), UP5K)
    message = str(caught.value)
    assert "block RAM: needs about" in message
    assert "of 30 usable" in message
    assert message.startswith("network 'net' must fit board 'test-up5k' at interval ")


def test_fit_counts_every_resource_and_the_share_of_the_luts():
    design = plan(fixed(), ECP5)
    none = replace(design, target=replace(ECP5, luts=100, ffs=100, brams=0, dsps=1))
    kinds = [line.split(":")[0] for line in misfits(none)]
    assert kinds == ["LUT", "FF", "block RAM", "DSP"]
    assert misfits(none)[0].endswith("of 85 usable")
    with refused(FitError, f"network 'case-fixed' must fit board 'test-ecp5' at interval"
                           f" {design.interval_cycles}, but {'; '.join(misfits(none))}. Allow a"
                           f" longer interval_cycles, a smaller network or a larger board"):
        require_fit(none)


def test_no_interval_of_a_sparse_stage_is_worked_out_twice(monkeypatch):
    real, calls = SparseTiming.departures, []
    monkeypatch.setattr(SparseTiming, "departures", lambda self, *args: (
        calls.append(self), real(self, *args))[1])
    network = sparse(sizes=(12, 96, 10))
    plan(network, replace(ECP5, dsps=3))
    assert len({timing.key for timing in calls}) == len(calls)
    storages = 2        # of each pe: entries with padding, and without
    depths = 4          # of each of these: 8, and up to 64 where the interval is missed with 8
    assert len(calls) <= storages * depths * (len(divisors(96)) + len(divisors(10)))
