"""The output folder: staged aside, renamed when finished, and never mistaken for another one."""

import shutil

from hwgen.numeric.errors import SpecError
from hwgen.synth.report import REPORT_FILE, SynthReport

__all__ = ["earlier_report", "publish", "stage"]

JOB_FILE = "job.json"


def earlier_report(out, digest):
    """Give the report in a folder, if it is of the same job and nothing of it is missing."""
    path = out / REPORT_FILE
    if not path.is_file():
        return None
    try:
        report = SynthReport.load(path)
    except SpecError:
        return None  # damaged: build it again
    whole = report.bitstream is None or (out / report.bitstream).is_file()
    return report if whole and report.digest == digest else None


def stage(job, out, about):
    """Put the job's files into a new folder beside `out`."""
    work = out.with_name(f"{out.name}.partial")
    for folder in (out, work):
        _refuse_foreign(folder)
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    (work / JOB_FILE).write_text(about, encoding="utf-8")
    for file in job.files:
        shutil.copyfile(file, work / file.name)
    return work


def _refuse_foreign(folder):
    if not folder.exists():
        return
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [folder.name]
    if names and JOB_FILE not in names:
        raise SpecError(
            f"synthesis folder {str(folder)!r} must be new, empty or of an earlier synthesis"
            f" (with {JOB_FILE}), not hold {', '.join(names[:5])}"
        )


def publish(work, out):
    """Put the finished folder in the place of the earlier one."""
    old = out.with_name(f"{out.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if out.exists():
        out.rename(old)
    work.rename(out)
    if old.exists():
        shutil.rmtree(old)
