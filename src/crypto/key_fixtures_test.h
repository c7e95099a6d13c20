#pragma once

#include <string_view>

#include "base/encoding.h"

namespace bulla::crypto::fixtures {

/// Test support: keys, certificates and signatures that OpenSSL's command line
/// made, in DER (base64). They protect nothing.

inline Bytes der(std::string_view base64) {
  return base64_decode(base64).value();
}

// RSA-2048
inline constexpr std::string_view kRsaPkcs8 =
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDAQ2IUbVrZetYAV6gb"
    "GEE7OGqmbKtbjvzW6/E/r/CGItolvBI6PVePMWNAVuyXnSX1895s3lf0gbLZhJyLeX6v"
    "M+M2qKlt37C37dXpnNUkKsTEZZqU5zdKBO6XgmUESLvlDWGB7h6DC/XeNqgKrkjs5N+K"
    "ARfLn6qz3rFesgxtrxTcMcAlBrKNs/tXYK685A7UNAnEYf5jMXereCuqw1/TA4jAtDAN"
    "jssDrk0Nhh5gfSSyoMBz59x6zTFuXg+oEJoGl3YsdMFHiI9BlcsP1FDLDom1UeDVYYzv"
    "ZbH+0VNrGDhID+Qc2b0cTDG3umF54SLHo2/mtAnYSuOSNvMKPTp7AgMBAAECggEAHJ6L"
    "LYY/tUrjKybhN7NLFoEl4wMfGOB2g5mYjkXm1FjAx0gxIGk8LO0JnKyzyDfUzEFSdTs9"
    "tYBO+rESSnK56GOdaWf+3IOlPyPQqVc2pQ0WwDNtqMeoQ8TrLTN0TQh0q7prrtcexJwV"
    "q8/QANMDuPuyyMyz2ZQ5aU/3cCSp0/OvUz5ObQ2+wZeLqsR80HPZ8YSzojL5hHrpa4O4"
    "hE4VlHSSSs6UGR6i2IN5p1K5Km0rN2QueixiH7obq6D+s6vK/TiBLNsW8Aw7NrYCDiMh"
    "0NvIAW41MhFIe0xVezpzJ2onQ8tpLpjoeD5cZKQwPXuidNlVg5wACyg2h8l6R31x0QKB"
    "gQDo4bJbah6/9H7pY6kx1P0VH9Wn719Bi9Ula3HqAMgCL7klLew6rF1F3SoW+SH7/Kg7"
    "ls1ZGSsJX9QM7U189cJWEiv69WUAeOvk1ulGt/Ibnduc/FGTnaa3VYcz37PYGEjLuFhM"
    "MRufHrzSPzgYLlfqnL3REWD+7eIqoNUQtNj18QKBgQDTWW+yUSyTDpq1zzyivBZo63+c"
    "+Fr0zXuGclNup5Ck6LVyvoQgXw/M8Y1uSAZVgTNMQtLRFe+OEuyP+8ragJdUvGTpF6S0"
    "uB5U7E02rW0lKAN/HnjMvqNzqk0bWLRE44mrTnMd2D4l8AzRPb0cJ64d37hiLWQOai+T"
    "j81/zBObKwKBgAdc2164hDBdcoW+eOLycO3yC7c7gi94VEzSkM9tJuWqzJe4U/em62wC"
    "Cgqf5cspucfohKWEfi/Vr8aY2hJRUsuV134ftAnHyO17PfTWa/kjjIXyFEIugc7aDWQ+"
    "dlkmq2aFdYUzKERnnGCpTwS0smLggb/SZNaqfrQKUbIthY6BAoGAFY7w6tKG5nU96L+7"
    "4qmm64riGIPo20G+kOdGhWoIQhoOsCao2Zh4xyH4mEA2jTBBqEzErlk7d1WM1d8MQR+O"
    "0DDrZi9oOJrzVRxJgANOt9SODsBv+AqWJ60+ckSpFsHTACtfaLLvG/WRiSJwENgnVZrF"
    "dxZEN4gzVCz9/EQ318MCgYAqycPSnZknKzTRTLUv/qMIKc0e43nFIrnTkCFerlbHALZU"
    "ybyzX1AIYUGr55C6wH6Nj7jrMfDoyHbL75VZJtp+IAM0mCs7o5+zA9OCkfDfjuWFgtfq"
    "uCMGTgXlXmpiKWyVUHkVftzOPdnYC/vTFUX2fB2d0FLTArLJo3VHq+wYvA==";
// RSA-2048 with the OID of RSASSA-PSS
inline constexpr std::string_view kRsaPssPkcs8 =
    "MIIEuwIBADALBgkqhkiG9w0BAQoEggSnMIIEowIBAAKCAQEA4nefsBxHMANGC51H2WMW"
    "h+TUUqXh3p8IM+rNAxHCDA+MkZuj+xudcxroBy9RVQPiqmQ0zKcQrnS8Usk0br4zgHOf"
    "/a8aMns2sgB/UqBmOqzByPUOvJv5rxi7QULHpWvGSiMfRn+/ETE7jSAXAywxw2tMT6+y"
    "gqeppGdxl8fFJKoJFWjAS4rHxz1/UHgtSc7So9CKwAC266Qw+yOFdT5bifAU/BR6dV4E"
    "w1Mcx6lckoTfyD0SmFNvcaM0tQvU7P/Ory/A+0vw789bcI+ifAfAMQNv9IqDWRs6TiKr"
    "hM1lReltgm6ReH07RkmF42k8o15bNIuTYNjgJWBs7J1I+NNUNQIDAQABAoIBAA0KknmT"
    "x02ugpQcpIySNjPxK4Du6IjnY5OJy/CHT0NeidvAuLq3JmQAgqgXQ3m/1Ye2aYv3evBw"
    "7H9f8tMFxPV6sxXqxXluuwGZIbviXMC4PhiSdBzMZp58sBvb+p8+C5ctWpm2tYwJ58IC"
    "vRCDtQHp5eUY2xDHEu/SvSneaS3pOQh9gTjBlp5EsVqqR2OFnvlYzszrjqUqWue1hltC"
    "nhMKhuZzCmhKJB0S+1cEAYu3/FjVYh6YLsX/dZ8BckUbLX3vIlEDaSO4PZDy8o3G7Wpe"
    "vUXsC0r9Re3SKFH7EItblrdgxzU6JLEmiEs6WqZW8wv3yooVojtiMZX2qV39nUECgYEA"
    "+eiF8KOK3ulv6pY80duUkyyj/ACxF5ugtdDdTJqOs5Y4SZnM8YJm0hNW2q0nglLtCJ9g"
    "IJECv2g2k53LYs8FRbwFHeGSjAXkUEPubACLARPB1s3ic2BLgni3MKpxCGmDSl1IBC4v"
    "izk2vuLqTLkla4XZkg/XqYpS/BVxkTGdB8kCgYEA5/zS9Te/6wv51Vj8IjGESZMix5wD"
    "iy9i2U/1xKvziKL02QUU3687RkbFSSiGbVP5g85B0MrJvmeyHZmNsDbXw54P5ONXTEgc"
    "nB6fE25/pniMX7hFfLSIkTsG8Ud6LGZcgAKXHTsEbx2Km3g+gSpIlFFNCTGEyXZCJhQR"
    "TwAf9w0CgYEArBxOunb3eiPM1wPXKTSPs3hoC3Myg67D1NPexRYgt1/6rf3FXoLPa1i0"
    "VXAxKJkR9AFHQ8Z63PXZuHpRC2DGIcumvniO4+5e2kSenDUXhotj0RsEHS+xcU7P4y1P"
    "IVsBd6KcqXxhdAHYSUif0m0kb1PEjspoXbQNCN1/1F4V5rkCgYBoEQM1W4/tSc8GBMf+"
    "MsZMFwP4FSWFz3kBURxH4Hb76VX68IufmET3zpF7swEylAQPO3xMxFth3bSKELL9xGxf"
    "5Uzt+YnUv1iONDJaDiyXKeaWndwWCApnU9pWbCEDP9vo1MCjLTFdAxyFh5hKawRp/FqZ"
    "cCxID5O27zOgg8bTFQKBgCvu4VkHXBrgwcnk4OzJlY6zir79r+msH1sa2Z3Y7BvfYVfh"
    "G7KLtWNvn/0zU+d6W5a8H3U37TBIi4tdvK1YoA6X5SFkuNqQJD5ePr4M5k3ow6p3QDcx"
    "r5bvgf3+/tv4hG1k13i9vu6T4eBThs8UCaK/L529sMi3DYc1YsU9TvSL";
inline constexpr std::string_view kRsa1024Pkcs8 =
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAK6z7spf8r3t4T2RmloF"
    "d3EukZS7EOXE/GstBjh/NnIX+iOVbtuaeJQPlLWcV/z9+nvzfXhK5askqdKE/tb66g3w"
    "ovxcpA0HY8s/cQIJoiGInLIAx6e2shxVT1/74JhBP2n6sthd4XW3csqvU6j3NUtM4DZC"
    "8+rdq+oUu+W3pDJxAgMBAAECgYEAgMfWgIvV7jfKT45jT3S0JVSEsDRtMlLRF1grO75a"
    "riQKmexvuaXWuJ37qxxCqBW4bWKB3Qio4E24eZzcFjEEEmYbRJ9E0vfPczUZr2pnhjcm"
    "jJYP3IrW36K9WbC/EN1yWr/lUjaLdpeQzraVV1et9iIzX5xA9Nxv/1svSbhWZhkCQQDh"
    "u2JDhaG/sSh4Zbz+14bnbEtNxERgQR2E3rznlcCq7gKKVWlPbqz2wzMxRKxg6dSP7AHa"
    "cA01V8Bv2hWfQZufAkEAxiDkXhsGwKnlxBUXbUwBR8n98XdXB4e3Jq7eFDxAHV1Y4uDc"
    "nGcT5jI5VJkXq7T1oTXcl+hHL+2t0Z0e+tN37wJBAKSFxKrd/PQQFSUbUdKUF7kYjxIR"
    "GJznGLK8/QX1ecWbT7KvaeABFION5gPkv5arFsgHBZrFzHqyiIl9dADs+pUCQHCLxq3e"
    "VFulJyvXf1NK1X9eMq6zx/AzG8sRkn2ULCeCGzfl2+vMcfVVmlOAE34qcU1+NyzjeWy0"
    "awSjaDG7ZmkCQQCHB1IrYsXiTH5PnizRwgj4fvrSHl4vhCEIJEpS+mXaqYRroT5lER5W"
    "4f2j1IydseAqDygroanqYSzASR10ij1e";
// One P-256 key: as it should be, with a compressed point, with explicit
// parameters; and its public key in the same three forms.
inline constexpr std::string_view kP256Pkcs8 =
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgU2KXcZE+IVYqpFUUE+6G"
    "3RG+uKlhjwoItYGz+RjZQXOhRANCAATUznbzaWk6sQRjzcCVVOSX3oi25Clr+6/4U4mo"
    "NgVA2apUxRPu81ZSisiIJTTv1M6dC9FvCLQ1c2h/5rYF5Cnb";
inline constexpr std::string_view kP256CompressedPkcs8 =
    "MGcCAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcETTBLAgEBBCBTYpdxkT4hViqkVRQT7obd"
    "Eb64qWGPCgi1gbP5GNlBc6EkAyIAA9TOdvNpaTqxBGPNwJVU5JfeiLbkKWv7r/hTiag2"
    "BUDZ";
inline constexpr std::string_view kP256ExplicitPkcs8 =
    "MIIBeQIBADCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA"
    "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////////"
    "///////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wST"
    "amZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li"
    "/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqt"
    "pxeehPO5ysL8YyVRAgEBBG0wawIBAQQgU2KXcZE+IVYqpFUUE+6G3RG+uKlhjwoItYGz"
    "+RjZQXOhRANCAATUznbzaWk6sQRjzcCVVOSX3oi25Clr+6/4U4moNgVA2apUxRPu81ZS"
    "isiIJTTv1M6dC9FvCLQ1c2h/5rYF5Cnb";
inline constexpr std::string_view kP256Spki =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1M5282lpOrEEY83AlVTkl96ItuQpa/uv"
    "+FOJqDYFQNmqVMUT7vNWUorIiCU079TOnQvRbwi0NXNof+a2BeQp2w==";
inline constexpr std::string_view kP256CompressedSpki =
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAD1M5282lpOrEEY83AlVTkl96ItuQpa/uv"
    "+FOJqDYFQNk=";
inline constexpr std::string_view kP256ExplicitSpki =
    "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAA"
    "AAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////////////"
    "///8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ4"
    "4ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/"
    "m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxee"
    "hPO5ysL8YyVRAgEBA0IABNTOdvNpaTqxBGPNwJVU5JfeiLbkKWv7r/hTiag2BUDZqlTF"
    "E+7zVlKKyIglNO/Uzp0L0W8ItDVzaH/mtgXkKds=";
inline constexpr std::string_view kSecp256k1Pkcs8 =
    "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgqbEnG7SwkqtSAsKIAPf8v653"
    "zR686wKXA1ZovMPhClahRANCAAT7DsE3kzg4B+fgQWCS/o9vK+xVwQUZo/BNDu/Ol8e9"
    "G7baxTWb3dYiYrut/3QCuOywmFJFo7MxxrUo8lwqZO3A";
// Signatures over "hello world": SHA-256, the last without a DigestInfo.
inline constexpr std::string_view kRsaSignaturePkcs1 =
    "sXsU6Gc8QKcw3HQN4OM1/71Da/PcqoB8xLhNlp4gYT1wqonTz/oJuS+mSY+2XUcQyUC3"
    "GLla9o/pyd4zpw1KzlED8wAUFdW90394FFn2PYUXRTOrl9pPvt8KTXHHDtzuaJsxOljA"
    "wAbOIcCxOQfgeYNXbNXjnrLQ5Q5rqIx07+f+hEl/u2nQSOdghDFkDHg0wI5drkx8qz1c"
    "BWOdJLSEDFVRVqbUwfgCczjsN/l+wd6KarhEEBD/fjo3I10JwHNYce4kIZxqZqs/JHYs"
    "I8qCpHqbtArKCCqQl9QK7/B5B7BL+rG56m3sdiu7LNFQcoC4fTcko+wF4km81DCNe+7y"
    "ew==";
inline constexpr std::string_view kRsaSignaturePssMax =
    "fzPv1Gi1/tpjvb2zi1u9iAmzXRBnICFUdMi9otxjP1+CLBOycYVIr+GKGPxF61wn5WxB"
    "59cM+R8suJpZYMTMdo7OPwZXf/Cx6CZWS9QucDZzmfuDjbiHDefB/Nx6dceOwacVldtl"
    "on6hfosy354goTHIwFaFZmb3HpIoqBL4emK1T+LwgGuLhBiQmFdsdoBjK9+kGD40/zQ9"
    "xbeIz/NkmAFTS2CsCLfTPckTtqq+fIgtHTBDSY/myTNW4BKjTDKlhkBI2oq13+a0Sqia"
    "5lPq0dgTiXNA/kAunpPzkMxAof4NDq37D1fJg3PJ3OQOZJzaiNu8rnLX6WNqkYLaegmy"
    "aw==";
inline constexpr std::string_view kRsaSignaturePss32 =
    "McP6jU+gR2CsHOYqDqt3cLhsAdepY7eMxariFR6Bl0PxOYuJts98JSbEfYCwSQke8UOx"
    "x4+OWU8/CACE5VfM88dvi0CtkzUouvTC83d0BvMljrVSfdPZeR8jj9rUVD8o4x0jpqe1"
    "Gp4/rL5N30Bc+hucKAjfxOKEHkSHaGILZ1Qcs8KYOiqnm86gfGhoej8ZOKr9HfXssgeE"
    "laFNB27wXj2Qst0K8dkltAuJW4RDol50B00mrhNytX8mOkbEkMZs7OXbmIgw+FZbye8D"
    "uWnYx0g43Qw1tGAXjGjPtmVZ/WbTHVgKG3136cqG8m9TqSUYl9qySP1wgJqBETgfs6kd"
    "5Q==";
inline constexpr std::string_view kRsaSignatureRaw =
    "Y2uabaOdlrXJu0PkOviyqxx8bVhCb1PLtOIoja10aVXCBMxmie2MmhhGgvpUk7klnTvS"
    "OlTY/f54yA1LniES+/FP2Reb4Y/A2Hwebdzna5TBDlTm50NeQg5rltQY2qm2DcCQznIk"
    "Dniczkf5czmbNw7+dYQ2pROrK3bcXUly7GSog5OT+ihqDGeiJ9An1zMyNWjTCWL/Tc6Q"
    "gk1MoZxvFrIaFpLuCH1S+2GO1UZKXuuo42ZIGlICv6clheshFH04NGy5NPVpmJjccKRf"
    "bzN2eALA8teA62xQNsikH5dQyYDxTcNmI73w9qb01YiTTKbOmOarcfZ3tkMeqkoJnS4f"
    "eA==";
inline constexpr std::string_view kP256Signature =
    "MEUCIQDvaqTljzrr0VVitLbXsf1vcBnuJ+J2JzCWfbyMRTyKkgIgfKMevSIrsZB39AFZ"
    "3jpaudrLU3NYLkG6y49kPhlMPgw=";
// The RSA and the P-256 key in their own forms.
inline constexpr std::string_view kRsaTraditionalPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEogIBAAKCAQEAwENiFG1a2XrWAFeoGxhBOzhqpmyrW4781uvxP6/whiLaJbwS\n"
    "Oj1XjzFjQFbsl50l9fPebN5X9IGy2YSci3l+rzPjNqipbd+wt+3V6ZzVJCrExGWa\n"
    "lOc3SgTul4JlBEi75Q1hge4egwv13jaoCq5I7OTfigEXy5+qs96xXrIMba8U3DHA\n"
    "JQayjbP7V2CuvOQO1DQJxGH+YzF3q3grqsNf0wOIwLQwDY7LA65NDYYeYH0ksqDA\n"
    "c+fces0xbl4PqBCaBpd2LHTBR4iPQZXLD9RQyw6JtVHg1WGM72Wx/tFTaxg4SA/k\n"
    "HNm9HEwxt7pheeEix6Nv5rQJ2ErjkjbzCj06ewIDAQABAoIBAByeiy2GP7VK4ysm\n"
    "4TezSxaBJeMDHxjgdoOZmI5F5tRYwMdIMSBpPCztCZyss8g31MxBUnU7PbWATvqx\n"
    "EkpyuehjnWln/tyDpT8j0KlXNqUNFsAzbajHqEPE6y0zdE0IdKu6a67XHsScFavP\n"
    "0ADTA7j7ssjMs9mUOWlP93AkqdPzr1M+Tm0NvsGXi6rEfNBz2fGEs6Iy+YR66WuD\n"
    "uIROFZR0kkrOlBkeotiDeadSuSptKzdkLnosYh+6G6ug/rOryv04gSzbFvAMOza2\n"
    "Ag4jIdDbyAFuNTIRSHtMVXs6cydqJ0PLaS6Y6Hg+XGSkMD17onTZVYOcAAsoNofJ\n"
    "ekd9cdECgYEA6OGyW2oev/R+6WOpMdT9FR/Vp+9fQYvVJWtx6gDIAi+5JS3sOqxd\n"
    "Rd0qFvkh+/yoO5bNWRkrCV/UDO1NfPXCVhIr+vVlAHjr5NbpRrfyG53bnPxRk52m\n"
    "t1WHM9+z2BhIy7hYTDEbnx680j84GC5X6py90RFg/u3iKqDVELTY9fECgYEA01lv\n"
    "slEskw6atc88orwWaOt/nPha9M17hnJTbqeQpOi1cr6EIF8PzPGNbkgGVYEzTELS\n"
    "0RXvjhLsj/vK2oCXVLxk6RektLgeVOxNNq1tJSgDfx54zL6jc6pNG1i0ROOJq05z\n"
    "Hdg+JfAM0T29HCeuHd+4Yi1kDmovk4/Nf8wTmysCgYAHXNteuIQwXXKFvnji8nDt\n"
    "8gu3O4IveFRM0pDPbSblqsyXuFP3putsAgoKn+XLKbnH6ISlhH4v1a/GmNoSUVLL\n"
    "ldd+H7QJx8jtez301mv5I4yF8hRCLoHO2g1kPnZZJqtmhXWFMyhEZ5xgqU8EtLJi\n"
    "4IG/0mTWqn60ClGyLYWOgQKBgBWO8OrShuZ1Pei/u+KppuuK4hiD6NtBvpDnRoVq\n"
    "CEIaDrAmqNmYeMch+JhANo0wQahMxK5ZO3dVjNXfDEEfjtAw62YvaDia81UcSYAD\n"
    "TrfUjg7Ab/gKlietPnJEqRbB0wArX2iy7xv1kYkicBDYJ1WaxXcWRDeIM1Qs/fxE\n"
    "N9fDAoGAKsnD0p2ZJys00Uy1L/6jCCnNHuN5xSK505AhXq5WxwC2VMm8s19QCGFB\n"
    "q+eQusB+jY+46zHw6Mh2y++VWSbafiADNJgrO6OfswPTgpHw347lhYLX6rgjBk4F\n"
    "5V5qYilslVB5FX7czj3Z2Av70xVF9nwdndBS0wKyyaN1R6vsGLw=\n"
    "-----END RSA PRIVATE KEY-----\n";
inline constexpr std::string_view kP256TraditionalPem =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIFNil3GRPiFWKqRVFBPuht0RvripYY8KCLWBs/kY2UFzoAoGCCqGSM49\n"
    "AwEHoUQDQgAE1M5282lpOrEEY83AlVTkl96ItuQpa/uv+FOJqDYFQNmqVMUT7vNW\n"
    "UorIiCU079TOnQvRbwi0NXNof+a2BeQp2w==\n"
    "-----END EC PRIVATE KEY-----\n";
// The P-256 key, certified by a CA; and a request for it with a subject and
// two alternative names.
inline constexpr std::string_view kLeafCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBpTCCAUygAwIBAgIUWOrkpZ6AAMijgDEie2+K1Z1SQE0wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjUwNzI0MzZaGA8yMTI2MTEwMTA3\n"
    "MjQzNlowJzEOMAwGA1UECgwFQnVsbGExFTATBgNVBAMMDGxlYWYuZXhhbXBsZTBZ\n"
    "MBMGByqGSM49AgEGCCqGSM49AwEHA0IABNTOdvNpaTqxBGPNwJVU5JfeiLbkKWv7\n"
    "r/hTiag2BUDZqlTFE+7zVlKKyIglNO/Uzp0L0W8ItDVzaH/mtgXkKdujaTBnMAwG\n"
    "A1UdEwEB/wQCMAAwFwYDVR0RBBAwDoIMbGVhZi5leGFtcGxlMB0GA1UdDgQWBBRi\n"
    "ATIor/zTUQ1y0Bjy2dVODtuKCjAfBgNVHSMEGDAWgBTI8xB9occFVVXEAI1vmEan\n"
    "AiKBFDAKBggqhkjOPQQDAgNHADBEAiAjg3/BGzey2erKUCFcY6oOekVPpDilwugw\n"
    "0BnkcuSpmAIgSZYEnvWwPj5Y2OAudt3n7rcoepReGNTVIbQ26DzLW60=\n"
    "-----END CERTIFICATE-----\n";
inline constexpr std::string_view kCaCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBfDCCASGgAwIBAgIUTwigM+11da//RP3O21VHM5/meCEwCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjUwNzI0MzVaGA8yMTI2MTEwMTA3\n"
    "MjQzNVowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABLUAHk6l7V6zdyMIo2q84avTuRDmNswsvELzs3luLcr+k1x9rqP8Lr0Noame\n"
    "wzNBrkgPVs/bL067Ad2zXLQWHCejUzBRMB0GA1UdDgQWBBTI8xB9occFVVXEAI1v\n"
    "mEanAiKBFDAfBgNVHSMEGDAWgBTI8xB9occFVVXEAI1vmEanAiKBFDAPBgNVHRMB\n"
    "Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDY59/j7bDcCbJIpUexeJggCVVl\n"
    "0n4L6TWRxDHcYTUUmwIhAL+VZR5J5D3ypD5GuGcinrJ4daAJilZctwbTpA8ovsnE\n"
    "-----END CERTIFICATE-----\n";
inline constexpr std::string_view kRequest =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIIBEjCBuQIBADAnMQ4wDAYDVQQKDAVCdWxsYTEVMBMGA1UEAwwMbGVhZi5leGFt\n"
    "cGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1M5282lpOrEEY83AlVTkl96I\n"
    "tuQpa/uv+FOJqDYFQNmqVMUT7vNWUorIiCU079TOnQvRbwi0NXNof+a2BeQp26Aw\n"
    "MC4GCSqGSIb3DQEJDjEhMB8wHQYDVR0RBBYwFIIMbGVhZi5leGFtcGxlhwTAAAIH\n"
    "MAoGCCqGSM49BAMCA0gAMEUCIFNkCFI7vJeJXzkCag7r3B4H/DH1+/Fj8ZeswcTX\n"
    "XXHrAiEAkGUotqt2NOgI1dahcEC2As/fnA0qJ+j7FgD/S+no9GQ=\n"
    "-----END CERTIFICATE REQUEST-----\n";

}  // namespace bulla::crypto::fixtures
