// DP16KD, a block RAM of an ECP5: 512 rows of 36 bits, four bytes of 9 bits each. Written at port A
// and read at either, through its output registers or not. Port B takes the upper half of what is
// written in 36 bits; ports A and B give the halves of what is read in 36 bits.
//
// What one port reads in the cycle in which the other writes the same row is undefined in the
// device: here it is what is written, inverted, so that whatever relies on it is found out.
module DP16KD (
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13,
        DIA14, DIA15, DIA16, DIA17,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13,
        DOA14, DOA15, DOA16, DOA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13,
        DIB14, DIB15, DIB16, DIB17,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13,
        DOB14, DOB15, DOB16, DOB17
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "ENABLED";
    parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0;
    parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
    parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0;
    parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
    parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0;
    parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
    parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0;
    parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
    parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0;
    parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
    parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0;
    parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
    parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0;
    parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
    parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0;
    parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

    // A refused mode names a module that nobody defines.
    generate
        if (REGMODE_A != REGMODE_B && DATA_WIDTH_B == 36)
            DP16KD_must_register_whole_words refused ();
        if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000")
            DP16KD_must_be_selected_by_0 refused ();
        if (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "READBEFOREWRITE"
                && WRITEMODE_A != "WRITETHROUGH")
            DP16KD_must_have_a_known_write_mode refused ();
    endgenerate

    wire [17:0] di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
        DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [13:0] ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
        ADA1, ADA0};
    wire [17:0] di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
        DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
    wire [13:0] ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
        ADB1, ADB0};
    wire clk_a = CLKA ^ (CLKAMUX == "INV"), clk_b = CLKB ^ (CLKBMUX == "INV");
    wire on_a = CEA && {CSA2, CSA1, CSA0} == 0, on_b = CEB && {CSB2, CSB1, CSB0} == 0;

    // First bit of a word in its row; of words below 9 bits, the ninth bits of bytes hold nothing.
    wire [5:0] byte_a = 9 * ad_a[4:3], byte_b = 9 * ad_b[4:3];
    wire [5:0] at_a = DATA_WIDTH_A == 36 ? 0 : DATA_WIDTH_A == 18 ? 18 * ad_a[4]
        : DATA_WIDTH_A == 9 ? byte_a : byte_a + ad_a[2:0];
    wire [5:0] at_b = DATA_WIDTH_B == 36 ? 0 : DATA_WIDTH_B == 18 ? 18 * ad_b[4]
        : DATA_WIDTH_B == 9 ? byte_b : byte_b + ad_b[2:0];

    // Words of 18 and 36 bits have enables for their bytes, in place of the lowest address bits.
    wire [35:0] whole_a = (36'd1 << DATA_WIDTH_A) - 1, whole_b = (36'd1 << DATA_WIDTH_B) - 1;
    wire [35:0] bytes = DATA_WIDTH_A < 18 ? whole_a
        : whole_a & {{9{ad_a[3]}}, {9{ad_a[2]}}, {9{ad_a[1]}}, {9{ad_a[0]}}};
    wire [35:0] mask = on_a && WEA ? bytes << at_a : 0;
    wire [35:0] written = {di_b, di_a} << at_a;

    reg [35:0] rows [0:511];
    wire [35:0] row_a = rows[ad_a[13:5]], row_b = rows[ad_b[13:5]];
    wire [35:0] next_a = row_a & ~mask | written & mask;
    wire [35:0] clash = ad_a[13:5] == ad_b[13:5] ? mask : 0;
    wire [35:0] seen_b = row_b & ~clash | ~written & clash;

    // The block clears its outputs when the device starts.
    reg [35:0] q_a = 0, q_b = 0;
    always @(posedge clk_a)
        if (on_a && WEA)
            rows[ad_a[13:5]] <= next_a;
    wire read_a = on_a && (!WEA || WRITEMODE_A != "NORMAL");
    wire [35:0] out_a = (WRITEMODE_A == "WRITETHROUGH" ? next_a : row_a) >> at_a & whole_a;
    wire [35:0] out_b = seen_b >> at_b & whole_b;
    generate if (RESETMODE == "ASYNC") begin : async
        always @(posedge clk_a, posedge RSTA)
            if (RSTA) q_a <= 0; else if (read_a) q_a <= out_a;
        always @(posedge clk_b, posedge RSTB)
            if (RSTB) q_b <= 0; else if (on_b) q_b <= out_b;
    end else begin : sync
        always @(posedge clk_a)
            if (RSTA) q_a <= 0; else if (read_a) q_a <= out_a;
        always @(posedge clk_b)
            if (RSTB) q_b <= 0; else if (on_b) q_b <= out_b;
    end endgenerate

    reg [35:0] r_a = 0, r_b = 0;
    always @(posedge clk_a) if (RSTA) r_a <= 0; else if (OCEA) r_a <= q_a;
    always @(posedge clk_b) if (RSTB) r_b <= 0; else if (OCEB) r_b <= q_b;
    wire [35:0] last_a = REGMODE_A == "OUTREG" ? r_a : q_a;
    wire [35:0] last_b = REGMODE_B == "OUTREG" ? r_b : q_b;

    wire [17:0] do_a = DATA_WIDTH_B == 36 ? last_b[17:0] : last_a[17:0];
    wire [17:0] do_b = DATA_WIDTH_B == 36 ? last_b[35:18] : last_b[17:0];
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0} = do_a;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0} = do_b;

    // INITVAL_xx holds sixteen words of 18 bits, each in 20, the first lowest; a row is two words.
    localparam [20479:0] INIT = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C,
        INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34,
        INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C,
        INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
        INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
        INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14,
        INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C,
        INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04,
        INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};
    integer k;
    initial
        for (k = 0; k < 512; k = k + 1)
            rows[k] = {INIT[40*k+20 +: 18], INIT[40*k +: 18]};
endmodule
