"""The paper's ablation (Table 3) and its curves over training (Figure 3), run anew in the tiny world."""
