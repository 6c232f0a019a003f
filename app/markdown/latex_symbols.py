"""LaTeX commands and the characters that stand for them."""

from __future__ import annotations

_GREEK = (
    "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ "
    "iota ι kappa κ lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ "
    "varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ "
    "Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω"
)
_OPERATORS = (
    "cdot · times × div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ ominus ⊖ "
    "cup ∪ cap ∩ setminus ∖ wedge ∧ land ∧ vee ∨ lor ∨ neg ¬ lnot ¬ "
    "sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ nabla ∇ partial ∂ "
    "infty ∞ forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ angle ∠ triangle △ "
    "degree ° prime ′ hbar ℏ ell ℓ Re ℜ Im ℑ aleph ℵ top ⊤ bot ⊥ perp ⊥ parallel ∥ mid ∣ "
    "ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ therefore ∴ because ∵ checkmark ✓ square □ "
    "blacksquare ■ dagger † ddagger ‡ surd √ Box □ Diamond ◇"
)
_RELATIONS = (
    "leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ approx ≈ equiv ≡ sim ∼ simeq ≃ cong ≅ propto ∝ ll ≪ gg ≫ "
    "in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ prec ≺ succ ≻ models ⊨ vdash ⊢ "
    "to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ "
    "Leftrightarrow ⇔ implies ⟹ iff ⟺ mapsto ↦ uparrow ↑ downarrow ↓ longrightarrow ⟶ "
    "gets ← rightharpoonup ⇀ hookrightarrow ↪ lt < gt > colon : coloneqq ≔"
)
_BRACKETS = (
    "langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lbrace { rbrace } lvert | rvert | "
    "vert | lVert ‖ rVert ‖ Vert ‖ backslash \\"
)
_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim limsup "
    "liminf max min sup inf det dim ker deg gcd arg mod Pr hom"
)


def _pairs(words: str) -> dict[str, str]:
    parts = words.split()
    return dict(zip(parts[::2], parts[1::2], strict=True))


SYMBOLS = {
    **_pairs(_GREEK),
    **_pairs(_OPERATORS),
    **_pairs(_RELATIONS),
    **_pairs(_BRACKETS),
    **{name: name for name in _NAMES.split()},
    "quad": "\u2003",
    "qquad": "\u2003\u2003",
    ",": "\u2009",
    ":": " ",
    ";": " ",
    "!": "",
    " ": " ",
    "\\": "\u2028",
    "{": "{",
    "}": "}",
    "%": "%",
    "$": "$",
    "#": "#",
    "&": "&",
    "_": "_",
    "|": "‖",
    "displaystyle": "",
    "textstyle": "",
    "limits": "",
    "nolimits": "",
    "left": "",
    "right": "",
    "big": "",
    "Big": "",
    "bigg": "",
    "Bigg": "",
    "bigl": "",
    "bigr": "",
    "nonumber": "",
    "notag": "",
    "middle": "",
    "newline": "\u2028",
}

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθ′ ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿ′ ",
        strict=True,
    )
)
SUBSCRIPTS = dict(
    zip(
        "0123456789+-=()aehijklmnoprstuvxβγρφχ ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ ",
        strict=True,
    )
)
DOUBLE_STRUCK = dict(zip("NZQRCPHFEK1", "ℕℤℚℝℂℙℍ𝔽𝔼𝕂𝟙", strict=True))
ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "vec": "\u20d7",
    "dot": "\u0307",
    "ddot": "\u0308",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "underline": "\u0332",
}
