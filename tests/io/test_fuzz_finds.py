# SPDX-License-Identifier: Apache-2.0
"""What fuzzing (fuzz_load.py) once found: each came out as something else than a volume or a typed error."""

import base64
import io
import warnings
import zlib

import numpy as np
import pytest

import voxkern as vk

# name: suffix, and the bytes, deflated, in base 85
FINDS = {
    "an unknown value representation": (
        ".dcm",
        "c-"
        "qBN%Wl&^6g_rAF%VjphLS}VvtSVxjOJyJy+KH6BqB9+utD8a2t>1kRx0fI2KXXArC$OZ4;G3dq^J@SGaApmcg{Wccpkw2ZAb"
        "IzB1VkY^D(qEvT#ajrBop^siorxUm|+MJpYX`xg<*3yim$nSx8rM<fSidR(Mx9pXXLPqqNC$ZIv$BjrHF77%6#%8?{<bBf;T"
        "T9SKJNL`Q<Rm^LvMb%JN<an;Aicjv2=>Xs+FXjbp9R-fN2S681dFGLD~<7$9rHmzr`o;t6!7-"
        "5N{rjN3eN?>=JCY`sM7}Hv1PWi%FV+vJR=gQnElUbjU=KynR(n7$HeFx<kJ3UWtM1FOq)<)-xNqc_Gi!ec-"
        "e>K3OI;o~F>S{4FTulP2qm>3+Ox%93dbAX|6DaA)RT6`!T}inT{juU;?a}H*r?lAWC*PWvzz3Q?e&YI^v%ulkHa6*EBE+_7P"
        "eab*E@#YneQ!7Qp;n>p_YOY^H4XyDxQh)#tlhx@)@q8I;PnmhW)uIH+;zMq{`yOb>J<FLwngEM^>GV3xXm-"
        "WgS)tg0q*m5?eP@$@qqVZh=+V7kMIjTMy*H",
    ),
    "a sequence item cut off": (
        ".dcm",
        "c-qBNO>Yx15PjK%us~?HG?W~2@PR`(V2!=r4@(GDN+S`e>4t=gONBr*H$J4oo!>xzVSfqm)~uqmAj$y=Te}{6-"
        "n=*V*uej72h;H^LWJY#5TdOvooFK>rOvd`j$il_(I#derpDM@6Q$F<6mh98wezL+R-"
        "DaKXSi&o?o#AMndjC@k@{SW@uiE9kf;BXXRTGw3}Wozcs9J^yPQXi!9U3(#%qk15oU`RPm{x{gZFPvR|&J5A8lc|dV99|{A#"
        "{B`}FaHN}zC9^{||b7n2u{U15wGV2*=j2i|K@*t#aC+=+2nmf9?n!eqvITb5bsZRTw%xp;!hTwxbe=46zDC3_eCgq^d3vjO?"
        "#L^i%=u10nJ7}vrG9qy`!S#?y6pDn7{#L^oFR!1udxQMu&V6|xpxntJ8AeScwt=f~&(^^|mu(oNngT=OZbiRBJyrcQ;J1$N+"
        "D(ro&*GA2n3Ty6~+>;RVu!$LR+&tT>`C%dFty-U3sPWW#LXq7-GHgitLAXA`9yUZ(6Yy7fqr2-zav4wg-"
        "$vM96!!n9kP?6KB|-HP++^Ka;hA-C16|x?*>2%B?x2UeykOfb#18K9iu7@x59I-V0CPO4KL",
    ),
    "RLE segments beyond the frame": (
        ".dcm",
        "c-qBM%}d-s9DT`tki)u;T|ZV^AxAF`Gm~sKa}hBvxMDU-vfiX0w0m>~+k5|sBA!I>-v6ku|A(NyL@UKhK?<GWm%LxzoA-"
        "N=0simWA10{_7sta5XlY~|DyfxHvFu4LLl&RpYgFt$DoiA)kwFwI6$Ubvp^c@nDzHJ%SRDq&#ztFhZ4^c(Fp;+O3$%@l3qha"
        "d7n91a2M?=%N#UXUPf~dJh@^0l<{oy$QC7$4r!P~%Y~xWI#q{&}^xOOK^!)4D%op%+l(kR{l6)}P4*OdBU5v3`)M2FZeYBaW"
        "S!D{S?O;e}&F_YqCe#TxyFR-vRqXz#r{3Qx{{YW9*g~DzT1c}|mK@|+Ixu8K#Wu(;Rj5g%=;%SoJ{>GIa7spyah{P|p+%ya^"
        "V>fcW%kFZMTMEdpMMv~_JDh?yL-&*Pxqt5GrnEcF6;1>_w4q0H{iInpEuW67au11kIU9Vdr>Sk-"
        "gK5%R@WNc^^LdhHaYdzygc;)^^kNv",
    ),
    "a TIFF whose pages go round in a circle": (
        ".tif",
        "c-r&y)MDUZU|`^5U|?inU<9&QfS3`)26C7|0zkmLAIbm%kZNW|X0TciW`nU)^HLP@(-"
        "boEN>Yo`GILTvrZO@yhyv+tKr9F~A4D)h*~~!91l5meE>wXyR51?_OEI#7+3SFWG?cv!NN6xHNC2s7rQ(dlf>b3dg=ixk1!E"
        "lrlh|4YG@u1G3rL6}Stf?$AfoI;(hKzy3I+iC5)%*",
    ),
    "another such circle": (
        ".tif",
        "c-r&y)MDUZU|`^5U|?inU<9&Q7(h%2n;FCgQcOSsq>7o587vOMY)EWAMkWSPAiWKU1)=7E2vMjS1o*>_!e!t=wU-"
        "fLFB4QRvb`vl0xc3p(koSxnVVW%l9*e-$O;x*2PCAS>}^0o14%E`eJB_J)pQ9+",
    ),
    "and a third": (
        ".tif",
        "c-"
        "r&y)MDUZU|`^5U|>{cU<9&QfS8e!0Rk9Vz+wyxOpMH67Dz2KlnugcU^a}$$H>GW3Z%CIu^>z@kPt=EAqEv^24Zn2n+J%c7+J"
        "yWTR<!gWj_L94J5sWK=VOrUjeZMP@r0=I3uwjRmn;r+DJ#iSVzGmww3`6Frs1*m6n#7ld4xx$v_zJz{3C>E=X?2A0iMoEDQ$"
        "H{|r2YBR~_y1?w0QF4)G1>H;hw$^ZZ^MH<`",
    ),
    "RLE that crashed a decoder": (
        ".dcm",
        "c-pN}O;6iE6dXHta7##*@9-u0MlM~g*Xy-"
        "?sSqI&K?FxJ+@LC=IYK4M9sX#g{EtedV?z<@r9xs?&u`w&?0X}5fj6#Qyz4p`_D3#UoDDY-Ni8#@WTceJWFjMJ82plNP_g%<"
        "&{k3-W1A^uVwp*kQ*Ba}7-O>7##ZYj%dNFK&TVefDA7z=n#3*y`>gyksj3nLSo@EQ0Nr<S5#THOrHj!dz-Mt>c(}g&HWl<XK"
        "53(zUfoXbzKo~0Kfd3D0wIoz7Ro_?GC2KY(kKeM7~`Pyprr~!wCSl?dy1)D#*m#Oo@;8FQ0LsNQdV86SiOqpI_y<{fcG5q;L"
        "%$PqvE9KA5MzVK$8_U>yurqQIklqV*n*ncF3uLQ!#>!^Mc$Ob%0*O`P+XYD(_EI%No-~IJ*}p_JK#P-"
        ";bDi&+ntcH_R?$k8uQCFg?8aq5XQ<J{-5<`F?XQ`0#PwZ!NStV$ok(URhmR_q!XLTiZJv`*T*^`UB}kaBK",
    ),
    "a bare data set with half a number": (
        ".dcm",
        "c-muPU}gyQbYQ><Qu0faa#9&WgP9oE7&I6R8C-"
        "%n7!35xV+`~x6*L$a7(p@uKp93jiwVr)PtagsW;_F8G5`ftf&^TGS%5kXfVzUgY(qT*27<s)&q&Y0$V^wyK+jOm*vvwZRY+J"
        "wR7{*zLQ+avMwa2<|GN)B>HsJJ7Y_",
    ),
    "two transfer syntaxes": (
        ".dcm",
        "c$}qDO;5r=5PdC(_(>5z5tBV~akC#SY!hRQNTP{Y0(vkZMxz|n1ikwQ{Sp2YUl%c6^kSQK-|W13GqbZHfUEN&-noVdkR9hM"
        "pCIIVbykO#M!Hx@t(0;yky^(5_@}=>#?h2vT9O=TTTZFiN+;vgF~-@%rOG8%$I7PdRzkNm&KRS#(=JX@n}mp{vo_Tk%`(wq"
        "hBbN`e`O%2hT-Wd`qw9CovbG;Sw@txi8|Z(z4|h?aWrH6qxv##{fYGkWgJFDqQ|?3am1chiHGC+$@ulAKc2iiKZyte%lU4%"
        "Gw5FK$8D{}Hu}h;j8sA}ru0>lCAa34HTR9*S0lc(+N?ci(faXy*`kTi#|3CoInUS2F0#()AnSDvy^;6M(OdPXM5K5g)R%24"
        "q~zrD2boO--zfB`LR1K5`UBtbH0#h~Rv|v#A{@Y9BY#VZ%vQoYb1YyHORQ;yomQw?<%DZk#|G!M#jbWZwOur@hfgs7Scd",
    ),
    "a name in the transfer syntax": (
        ".dcm",
        "c$}?LF;Ck-6#mXJmIag^Wr;d@WN1(4^CdYiD8d9`DZx?PY*p0?GPYGy2DbM1bz)>>WM+X0^PPj*N?j1@J3YVe-S_F;^W6hh"
        "HpKHxK3)2)y!rLd=0RCZ0>=3`#06sjfok7Jng|%@<!hwMC}*`wwboAcRH`hUU-BI)hAV~XD{55McUs#_Ic0OFa$|dr%MNtj"
        "vo_0}cE;G$X_MK0p7ssR1^knF`LnI_r+SR;f2bYfBZ@k}WENvjj;j!#Kb<ZlPn;fap<bLU7iS-)i{<yPUlNG~<7yN2sF;o3"
        "y|sfhO}d!kpblY_P7-Xf&#3Jwqjm=+E2rEy)I`wlxtI-@b*W<Zmp|souD{pX-}Np+_O^*hbzBukvuZLjWM#{)k=<@lM5I|U"
        "hE@Ys$f<$wj3gs|qo74Ei8?I;(M<Z@SEtr3W*5oT581wRL%VNq6+X^`$LEaAWpj<Bo|cD)eij6`*67i?jEKb>?^MKoN~pcX"
        "hNK`8VjImJUWlf_D-;joopO!",
    ),
    "a length that takes a name in": (
        ".dcm",
        "c$~$N&q@O^5XQf*i|nD)^$*g6NRB;dNV4f}_99|iu+W;)C?XV5v_}=xyYJ`|_$Yq6l_DO*gJPCszM1(kli2|OyZXc4IHElp#"
        "dxKS(11UxELS6<Jsa*qOCz0CQY)pL>`E;yH&4e5nH5rp3(Dk@oXm2kl+C1*wsf+{owY76a#iN4Yf9w`tF*~8I)*j#GV5v+A!"
        "VJdFWo9nv&RN=JKyxEm`#M^7A6;*%8x}x%7_HpKbRpw`&VX2aD`sj!}PT8!yv&yI`T2@u5aflr<<I#5au_J^XJRS{PF4GUZf"
        "Cp=aFwB40_YS>Ao$r7Hv$>4>62XLZC%rwZ2<MeiOqGK{Ia1tU}HB(JSb+NzwbXKYY=t-ZE70+d<4bHZk@mzIQzJ<AGr|sjFs"
        "GY0bst)|X1Lb^;{})+))MQDstQ8cP+`YK>~8R-l@u)f9{Vq1L>Qh*gvInpJ$p31_yBwXk5j;_W4cKL`Ki->-Mbb#PD",
    ),
    "text in place of voxels": (
        ".npz",
        "c$^FHW@Zs#U|`^2Xv=PlRbF$?r2@#?02X0jNJ%V7)XOWVoO@z7AETp$!^6$*uKm6D@2<bm)u7HOcN4CuK5sgl)|}~ZvuPFI7"
        "I*OFx$igMneTQ!GI{zky*YdIT*J)*m8;JEIeh!J;pdgVf8L5~K5ZNG=I&E_-<~tQI%#hAKE)flh-d^Y@@dsFeRaen<I*DEc0"
        "Jo)JQ7ApXIk_FP+Vs`VUBD7kjKEtz`zBh64TN$^HM?XoBc-om9)Ug69LBp*3O$0H790C-qHnmlhYQiTfAW2wD^#qDKo_9$4{"
        "BWB~<QxM$?bAOFUggYzfm(DK#rDwOLkNTe(u0_1Fx4B%F5;S+LKF0oC5+k%h{hKwbwlRB}@xp@Q93;jATuYz5mW!niJrjjb("
        "8femOKBa;X-?r4C421W*?NI}<y9y|zL^H2f{T_3vl5c<Rz5uOe3W@Q73G6UffAl(Xf3jj&&vw{",
    ),
}


@pytest.mark.parametrize("name", FINDS)
@pytest.mark.filterwarnings("ignore")
def test_a_volume_or_a_typed_error(tmp_path, name):
    suffix, packed = FINDS[name]
    content = zlib.decompress(base64.b85decode(packed))
    source = io.BytesIO(content) if suffix == ".dcm" else tmp_path / f"x{suffix}"
    if suffix != ".dcm":
        source.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            volume = vk.load(source, max_bytes=16 << 20)
        except vk.LoadError as error:
            assert "\n" not in str(error) and "secret" not in str(error).lower()
        else:
            assert np.isfinite(volume.affine).all() and np.asarray(volume.data).sum() is not None
            assert "secret" not in (repr(volume) + repr(dict(volume.meta))).lower()
