from hwgen.bench import Row, markdown


def test_rows_become_a_table_of_markdown():
    rows = [Row(work="core", metric="LUT", value=12345, must="<= 20000", stretch="<= 10000",
                device="ulx3s | 85f", published="99,999"),
            Row(work="core", metric="fmax", value=99.5, unit="MHz", must=">= 100"),
            Row(work="other", metric="FF", value=7)]
    assert markdown(rows).splitlines() == [
        "| work | metric | value | must | stretch | met | published | device |",
        "| --- | --- | ---: | --- | --- | --- | --- | --- |",
        "| core | LUT | 12,345 | <= 20000 | <= 10000 | yes | 99,999 | ulx3s / 85f |",
        "|  | fmax | 99.5 MHz | >= 100 |  | no |  |  |",
        "| other | FF | 7 |  |  |  |  |  |",
    ]
