"""Invented messages, as the systems of a hospital write them."""

from __future__ import annotations


def message(*segments: str, kind: str = "ADT^A01", head: str = "UNICODE UTF-8", version: str = "2.5.1") -> str:
    header = f"MSH|^~\\&|HIS|H1|MINKANG|REGION|20260105083000||{kind}|C1|P|{version}||||||{head}"
    return "\r".join((header, *segments)) + "\r"


PID = (
    "PID|1||12345^^^H1&1.2.156.38.1&ISO^MR~380101199001011239^^^^NI||张^三||19900101|M|||学府路1号^^海城^^100000"
    "||13800000000^PRN^CP"
)


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment by the numbers of its fields."""
    return "|".join((name, *(fields.get(number, "") for number in range(1, max(fields) + 1))))


_VISIT = {1: "1", 2: "I", 3: "12^3^2^北院", 7: "d7^王^医", 8: "d8^李", 19: "V77^^^H1", 44: "202601050810"}
PV1 = segment("PV1", _VISIT)
PV1_UNNAMED = segment("PV1", {1: "1", 2: "I"})
ADMISSION = message(
    "EVN|A01|20260105081000",
    PID,
    "NK1|1|张^父|FTH^父亲",
    PV1,
    "AL1|1|DA|P1^青霉素^L|SV|皮疹~呼吸困难",
    "DG1|1||I10^原发性高血压^I10||20260105|A",
    "IN1|1|01^城镇职工基本医疗保险^L|SB^^^H1|海城医保局||||||||20250101",
    "ZPI|1|工号^二级|自定义",
)
RESULTS = message(
    PID,
    PV1,
    "ORC|RE|P1^HIS|F1^LIS",
    segment(
        "OBR",
        {
            1: "1",
            2: "P1^HIS",
            3: "F1^LIS",
            4: "BC^血常规^L",
            7: "20260105090000",
            22: "20260105100000",
            24: "HM",
            25: "F",
        },
    ),
    "NTE|1||空腹",
    "OBX|1|NM|6690-2^白细胞^LN||6.10|10*9/L^^UCUM|3.5-9.5|H|||F|||20260105093000",
    "NTE|1||复查\\.br\\一次",
    "OBX|2|SN|HBV^乙肝病毒DNA^L||<^20|IU/mL||N|||F",
    "OBX|3|SN|ANA^抗核抗体滴度^L||^1^:^128||||||F",
    "OBX|4|CE|ABO^血型^L||A^A型^L~P^阳性^L||||||F",
    "OBX|5|ST|COL^颜色^L||黄\\T\\清||||||C",
    "OBX|6|NM|HCG^绒毛膜^L||阴性||||||P",
    "OBX|7|TS|DONE^完成^L||2026010511||||||F",
    "OBX|8|ED|PDF^报告^L||LIS^AP^PDF^Base64^JVBERi0=||||||F",
    kind="ORU^R01^ORU_R01",
)
